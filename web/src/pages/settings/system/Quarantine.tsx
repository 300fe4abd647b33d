import { Alert, Button, Checkbox, Group, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need } from '../../../api/pages'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { confirm } from '../../../ui/confirm'
import { Empty } from '../../../ui/Empty'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

type View = Schemas['Quarantine']
type Chosen = Schemas['QuarantineInput']

/** What a restored backup holds back, until somebody who knows what went out decides. */
export default function Quarantine() {
  const { t } = useWords()
  const query = useQuery({ queryKey: ['quarantine'], queryFn: () => need(client.GET('/v1/quarantine')) })
  return (
    <Page title={t('sections.quarantine')} about={t('quarantine.about')}>
      <Answer of={query}>
        {(q) =>
          q.active ? (
            <Held of={q} />
          ) : (
            <Empty icon={IconCircleCheck} title={t('quarantine.none')}>
              {t('quarantine.noneAbout')}
            </Empty>
          )
        }
      </Answer>
    </Page>
  )
}

function Held({ of: q }: { of: View }) {
  const { t, word } = useWords()
  const format = useFormat()
  const can = useCan()('write:campaigns')
  const [campaigns, setCampaigns] = useState<string[]>([])
  const [messages, setMessages] = useState(false)
  const refresh = ['quarantine', 'system', 'campaigns']
  const then = () => {
    setCampaigns([])
    setMessages(false)
  }
  const said = t('quarantine.decided')
  const close = useAct(
    async (body: Chosen) => {
      // A large campaign takes more than one request; the server says so.
      while ((await need(client.POST('/v1/quarantine/close', { body }))).more);
    },
    { refresh, said, then },
  )
  const cancel = useAct((body: Chosen) => need(client.POST('/v1/quarantine/cancel', { body })), { refresh, said, then })
  const release = useAct((body: Chosen) => need(client.POST('/v1/quarantine/release', { body })), { refresh, said, then })
  const chosen: Chosen = { campaigns, messages: messages || undefined }
  const none = campaigns.length === 0 && !messages
  const n = campaigns.length + (messages ? 1 : 0)
  const single = q.messages.pending + q.messages.doubtful
  const things = q.campaigns.length + (single > 0 ? 1 : 0)
  return (
    <>
      <Alert variant="light" color="yellow" icon={<IconAlertTriangle size={18} />} mb="md">
        {t('quarantine.held', { since: q.since ? format.full(q.since) : '?', began: q.began_at ? format.full(q.began_at) : '?' })}
      </Alert>
      {can && (
        <Checkbox
          mb="xs"
          pl={4}
          label={t('quarantine.everything')}
          checked={n === things}
          indeterminate={n > 0 && n < things}
          onChange={(e) => {
            setCampaigns(e.currentTarget.checked ? q.campaigns.map((c) => c.id) : [])
            setMessages(e.currentTarget.checked && single > 0)
          }}
        />
      )}
      <ul className={kit.lines} aria-label={t('sections.quarantine')}>
        {single > 0 && (
          <li className={kit.line}>
            <Checkbox checked={messages} disabled={!can} onChange={(e) => setMessages(e.currentTarget.checked)} label={t('quarantine.messages', { count: single, n: format.number(single) })} />
            <div className={kit.grow} />
            <span className={kit.soft}>{q.messages.doubtful > 0 && t('quarantine.doubtful', { count: q.messages.doubtful, n: format.number(q.messages.doubtful) })}</span>
          </li>
        )}
        {q.campaigns.map((c) => (
          <li key={c.id} className={kit.line}>
            <Checkbox checked={campaigns.includes(c.id)} disabled={!can} label={c.name || c.id} onChange={(e) => setCampaigns(e.currentTarget.checked ? [...campaigns, c.id] : campaigns.filter((x) => x !== c.id))} />
            <div className={kit.grow} />
            <span className={kit.soft}>
              {c.counts && t('quarantine.waiting', { count: c.counts.pending + c.counts.doubtful, n: format.number(c.counts.pending + c.counts.doubtful) })}
              {c.send_at && (
                <>
                  {' · '}
                  {t('quarantine.due')} <When at={c.send_at} as="full" />
                </>
              )}
            </span>
            <State variant="default">{word('quarantine.was', c.was)}</State>
          </li>
        ))}
      </ul>
      {can ? (
        <Group mt="md" gap="xs">
          <Button disabled={none} loading={close.isPending} onClick={() => confirm({ title: t('quarantine.close'), about: t('quarantine.closeAsk'), act: t('quarantine.close'), danger: false, onYes: () => close.mutate(chosen) })}>
            {t('quarantine.close')}
          </Button>
          <Button variant="default" disabled={none} loading={release.isPending} onClick={() => confirm({ title: t('quarantine.release'), about: t('quarantine.releaseAsk'), act: t('quarantine.release'), typed: String(n), onYes: () => release.mutate(chosen) })}>
            {t('quarantine.release')}
          </Button>
          <Button variant="subtle" color="red" disabled={none} loading={cancel.isPending} onClick={() => confirm({ title: t('quarantine.cancel'), about: t('quarantine.cancelAsk'), act: t('quarantine.cancel'), onYes: () => cancel.mutate(chosen) })}>
            {t('quarantine.cancel')}
          </Button>
        </Group>
      ) : (
        <Text size="sm" c="dimmed" mt="md">
          {t('mayNot')}
        </Text>
      )}
    </>
  )
}
