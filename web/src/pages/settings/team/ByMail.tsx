import { Alert, Checkbox } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { useWords } from '../kit/words'

/** Whether a link can go by mail, and is to: as soon as a provider of mail is there that reaches somebody. */
export function useMail() {
  const list = usePages(['providers'], (cursor) => need(client.GET('/v1/providers', { params: { query: { cursor, limit: 100 } } })), { idOf: (p) => p.name })
  const able = list.rows.some((p) => p.channel === 'email' && p.driver !== 'sandbox')
  const [off, setOff] = useState(false)
  return { able, wanted: able && !off, set: (on: boolean) => setOff(!on) }
}

export function ByMail({ of: mail, to }: { of: ReturnType<typeof useMail>; to: string }) {
  const { t } = useWords()
  if (!mail.able) return null
  return <Checkbox label={t('agents.mail')} description={to.includes('@') ? t('agents.mailTo', { address: to.trim() }) : undefined} checked={mail.wanted} onChange={(e) => mail.set(e.currentTarget.checked)} />
}

/** What became of the mail: the link is good whatever it was. */
export function MailedAlert({ of: agent }: { of: Schemas['Agent'] }) {
  const { t, word } = useWords()
  const m = agent.mailed
  if (!m) return null
  return m.accepted ? (
    <Alert variant="light" color="teal" icon={<IconCheck size={18} />}>
      {t('agents.mailed', { address: agent.email, provider: m.provider })}
    </Alert>
  ) : (
    <Alert variant="light" color="red" icon={<IconX size={18} />} title={t('agents.notMailed')}>
      {[m.verdict && word('verdicts', m.verdict), m.detail].filter(Boolean).join(': ')}
    </Alert>
  )
}
