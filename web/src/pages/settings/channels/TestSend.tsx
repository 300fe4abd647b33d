import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useSession } from '../../../api/session'
import { useFormat } from '../../../ui/format'
import { useAct } from '../kit/act'
import { Refusal } from '../kit/Dialog'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

const examples: Record<string, string> = { email: 'me@shop.example', sms: '+37120000000', whatsapp: '+37120000000', telegram: '123456789', webhook: 'https://shop.example/hook' }

/** One real message through exactly this provider, and what it answered. */
export function TestSend({ provider: p }: { provider: Schemas['ProviderView'] }) {
  const { t, word } = useWords()
  const format = useFormat()
  const { agent } = useSession()
  const [to, setTo] = useState(p.channel === 'email' ? agent.email : '')
  const test = useAct(() => need(client.POST('/v1/providers/{name}/test', { params: { path: { name: p.name } }, body: { to } })), { quiet: true, refresh: ['providers'] })
  const r = test.data
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        test.mutate(undefined)
      }}
    >
      <Stack>
        <Refusal error={test.error} fields={['to']} />
        <Group align="flex-end" gap="xs">
          <TextInput flex={1} miw={200} label={t('providers.testTo')} placeholder={examples[p.channel]} value={to} error={fieldErrors(test.error).to} onChange={(e) => setTo(e.currentTarget.value)} />
          <Button type="submit" variant="default" loading={test.isPending} disabled={!to.trim()}>
            {t('providers.testAct')}
          </Button>
        </Group>
        <div role="status">
          {r && (
            <Alert variant="light" color={r.accepted ? 'teal' : 'red'} icon={r.accepted ? <IconCheck size={18} /> : <IconX size={18} />} title={r.accepted ? t('providers.accepted') : word('verdicts', r.verdict ?? 'rejected')}>
              <Text size="sm">
                {[r.detail, r.code].filter(Boolean).join(' · ')} {t('took', { n: format.number(r.took_ms) })}
              </Text>
              {r.provider_id && <span className={kit.mono}>{r.provider_id}</span>}
            </Alert>
          )}
        </div>
      </Stack>
    </form>
  )
}
