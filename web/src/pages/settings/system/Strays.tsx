import { Anchor, Button, Drawer, Group, Select, Stack, Text, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconDownload, IconMailQuestion } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { confirm } from '../../../ui/confirm'
import { Empty } from '../../../ui/Empty'
import { Page } from '../../../ui/Page'
import { Rows } from '../../../ui/Rows'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

const kinds = ['message', 'bounced', 'failed', 'delayed', 'complaint', 'auto_reply', 'challenge'] as const
type Kind = (typeof kinds)[number]

/** What came in and belongs to nothing: read it, put it into a thread, or forget it. */
export default function Strays() {
  const { t, word } = useWords()
  const [kind, setKind] = useState<Kind | null>(null)
  const [open, setOpen] = useState<string>()
  const list = usePages(['strays', kind], (cursor) => need(client.GET('/v1/strays', { params: { query: { cursor, limit: 50, kind: kind ?? undefined } } })))
  return (
    <Page title={t('sections.strays')} about={t('strays.about')}>
      <div className={kit.filters}>
        <Select label={t('strays.kind')} placeholder={t('strays.any')} clearable value={kind} onChange={(v) => setKind(v as Kind | null)} data={kinds.map((value) => ({ value, label: t(`strayKinds.${value}`) }))} />
      </div>
      <Answer of={list}>
        {() =>
          list.rows.length === 0 ? (
            <Empty icon={IconMailQuestion} title={t('strays.none')}>
              {t('strays.noneAbout')}
            </Empty>
          ) : (
            <div className={kit.rows}>
              <Rows
                rows={list.rows}
                keyOf={(s) => s.id}
                height={64}
                label={t('sections.strays')}
                more={list.more}
                row={(s) => (
                  <UnstyledButton className={kit.row} w="100%" onClick={() => setOpen(s.id)}>
                    <div className={kit.grow}>
                      <div className={kit.name}>{s.subject || s.about || t('strays.noSubject')}</div>
                      <div className={kit.soft}>{[s.subject && s.about, s.text?.split('\n')[0]?.slice(0, 90), word('strayReasons', s.reason)].filter(Boolean).join(' · ')}</div>
                    </div>
                    <State color="gray">
                      {word('strayKinds', s.kind)}
                    </State>
                    <span className={kit.soft}>
                      <When at={s.received_at} as="brief" />
                    </span>
                  </UnstyledButton>
                )}
              />
            </div>
          )
        }
      </Answer>
      <Drawer opened={open !== undefined} onClose={() => setOpen(undefined)} position="right" size="lg" title={t('strays.one')} closeButtonProps={{ 'aria-label': t('common:close') }}>
        {open && <One id={open} onDone={() => setOpen(undefined)} />}
      </Drawer>
    </Page>
  )
}

function One({ id, onDone }: { id: string; onDone: () => void }) {
  const { t, word } = useWords()
  const can = useCan()('write:threads')
  const path = { id }
  const one = useQuery({ queryKey: ['strays', 'one', id], queryFn: () => need(client.GET('/v1/strays/{id}', { params: { path } })) })
  const [thread, setThread] = useState<Schemas['Entry']>()
  const forget = useAct(() => need(client.DELETE('/v1/strays/{id}', { params: { path } })), { refresh: ['strays'], said: t('strays.forgotten'), then: onDone })
  return (
    <Answer of={one}>
      {(s) => (
        <Stack>
          <div>
            <Text fw={600}>{s.subject || s.about || t('strays.noSubject')}</Text>
            <Text size="sm" c="dimmed">
              {word('strayKinds', s.kind)} · {s.about || '–'} · {s.provider} · <When at={s.received_at} as="full" />
            </Text>
            <Text size="sm" mt={4}>
              {word('strayReasons', s.reason)} {s.code && <>· <span className={kit.mono}>{s.code}</span></>}
            </Text>
          </div>
          {s.text && (
            <div className={kit.text} data-box>
              {s.text}
            </div>
          )}
          <Group gap="xs">
            {!thread && <Button component="a" href={`/v1/strays/${encodeURIComponent(id)}/original`} download variant="default" leftSection={<IconDownload size={16} />}>
              {t('strays.original')}
            </Button>}
            {can && !thread && (
              <Button variant="subtle" color="red" loading={forget.isPending} onClick={() => confirm({ title: t('strays.forget'), about: t('strays.forgetAsk'), act: t('strays.forget'), onYes: () => forget.mutate(undefined) })}>
                {t('strays.forget')}
              </Button>
            )}
          </Group>
          {thread ? (
            <Text size="sm" role="status">
              {t('strays.attached')}{' '}
              <Anchor component={Link} to={`/inbox/${thread.thread}` as never} inherit>
                {t('strays.openThread')}
              </Anchor>
            </Text>
          ) : (
            can && <Attach id={id} onDone={setThread} />
          )}
        </Stack>
      )}
    </Answer>
  )
}

function Attach({ id, onDone }: { id: string; onDone: (e: Schemas['Entry']) => void }) {
  const { t } = useWords()
  const [text, setText] = useState('')
  const [q] = useDebouncedValue(text.trim(), 250)
  const [thread, setThread] = useState<string | null>(null)
  const found = usePages(['threads', 'for stray', q], (cursor) => need(client.GET('/v1/threads', { params: { query: { cursor, limit: 20, q: q || undefined } } })))
  const attach = useAct((to: string) => need(client.POST('/v1/strays/{id}/attach', { params: { path: { id } }, body: { thread: to } })), { refresh: ['strays', 'threads'], then: onDone })
  return (
    <Group align="flex-end" gap="xs">
      <Select flex={1} label={t('strays.attachTo')} placeholder={t('strays.findThread')} searchable searchValue={text} onSearchChange={setText} filter={({ options }) => options} nothingFoundMessage={t('strays.noThread')} value={thread} onChange={setThread} data={found.rows.map((x) => ({ value: x.id, label: `${x.customer_name || x.id} – ${x.subject || x.preview || x.channel}` }))} />
      <Button variant="default" disabled={!thread} loading={attach.isPending} onClick={() => thread && attach.mutate(thread)}>
        {t('strays.attach')}
      </Button>
    </Group>
  )
}
