import { ActionIcon, Button, Collapse, Group, Menu, Modal, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconChevronDown, IconDots, IconPlayerPlay, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { confirm } from '../../../ui/confirm'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Once } from '../kit/Copy'
import { Dialog, Refusal } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { useTick } from '../kit/tick'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { FocusBack } from '../../../ui/focus-back'
import { EndpointState } from './EndpointList'
import { EventChoice } from './EventChoice'

type View = Schemas['Endpoint']
type DeliveryState = Schemas['Delivery']['state']

export function Endpoint({ id }: { id: string }) {
  const { t } = useWords()
  const can = useCan()('write:endpoints')
  const go = useNavigate()
  const path = { id }
  const one = useQuery({ queryKey: ['endpoints', id], queryFn: () => need(client.GET('/v1/endpoints/{id}', { params: { path } })) })
  useTick(one.refetch, 10_000)
  const refresh = ['endpoints', 'deliveries']
  const [secret, setSecret] = useState<string>()
  const [replaying, setReplaying] = useState(false)
  const test = useAct(() => need(client.POST('/v1/endpoints/{id}/test', { params: { path } })), { refresh, said: t('endpoints.tested') })
  const change = useAct((enabled: boolean) => need(client.PATCH('/v1/endpoints/{id}', { params: { path }, body: { enabled } })), { refresh, said: t('common:saved') })
  const rotate = useAct(() => need(client.POST('/v1/endpoints/{id}/rotate', { params: { path }, body: {} })), { refresh, then: (e) => setSecret(e.secret) })
  const remove = useAct(() => need(client.DELETE('/v1/endpoints/{id}', { params: { path } })), { refresh: ['endpoints'], said: t('deleted'), then: () => go({ to: '/settings/$section', params: { section: 'endpoints' } }) })
  const e = one.data
  return (
    <Page
      title={e ? e.url.replace(/^https?:\/\//, '') : t('endpoints.one')}
      crumbs={[{ label: t('sections.endpoints'), to: '/settings/endpoints' }]}
      actions={
        can &&
        e && (
          <>
            <Button variant="default" leftSection={<IconPlayerPlay size={16} />} loading={test.isPending} onClick={() => test.mutate(undefined)}>
              {t('endpoints.test')}
            </Button>
            <Menu position="bottom-end" width={230}>
              <Menu.Target>
                <ActionIcon size={36} variant="default" aria-label={t('endpoints.menu')}>
                  <IconDots size={18} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                {e.enabled ? <Menu.Item onClick={() => change.mutate(false)}>{t('endpoints.disable')}</Menu.Item> : <Menu.Item onClick={() => change.mutate(true)}>{t('endpoints.enable')}</Menu.Item>}
                <Menu.Item onClick={() => setReplaying(true)}>{t('endpoints.replaySince')}</Menu.Item>
                <Menu.Item onClick={() => confirm({ title: t('endpoints.rotate'), about: t('endpoints.rotateAsk'), act: t('endpoints.rotate'), danger: false, onYes: () => rotate.mutate(undefined) })}>{t('endpoints.rotate')}</Menu.Item>
                <Menu.Divider />
                <Menu.Item color="red" onClick={() => confirm({ title: t('endpoints.remove'), about: t('endpoints.removeAsk', { url: e.url }), act: t('common:delete'), onYes: () => remove.mutate(undefined) })}>
                  {t('common:delete')}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      <Answer of={one}>
        {(e) => (
          <>
            <Group gap="xs" mb="md">
              <EndpointState of={e} />
              {e.enabled && e.failing_since && (
                <Text size="sm" c="dimmed">
                  {t('endpoints.failingSince')} <When at={e.failing_since} />
                </Text>
              )}
              {e.disabled_at && (
                <Text size="sm" c="dimmed">
                  {t('endpoints.since')} <When at={e.disabled_at} />
                </Text>
              )}
            </Group>
            <Edit of={e} key={e.updated_at} />
            <Deliveries of={e} />
          </>
        )}
      </Answer>
      <Modal opened={secret !== undefined} onClose={() => setSecret(undefined)} title={t('endpoints.rotated')} closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common:close') }}>
        <FocusBack />
        <Stack>
          <Once label={t('endpoints.secret')} about={t('endpoints.rotatedAbout')} text={secret ?? ''} />
          <Button onClick={() => setSecret(undefined)}>{t('done')}</Button>
        </Stack>
      </Modal>
      {replaying && <Replay id={id} onClose={() => setReplaying(false)} />}
    </Page>
  )
}

function Edit({ of }: { of: View }) {
  const { t } = useWords()
  const can = useCan()('write:endpoints')
  const [url, setURL] = useState(of.url)
  const [events, setEvents] = useState(of.events)
  const save = useAct(() => need(client.PATCH('/v1/endpoints/{id}', { params: { path: { id: of.id } }, body: { url, events } })), { quiet: true, refresh: ['endpoints'], said: t('common:saved') })
  const wrong = fieldErrors(save.error)
  const changed = url !== of.url || events.join() !== of.events.join()
  return (
    <Block title={t('endpoints.what')} about={t('endpoints.whatAbout')}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          save.mutate(undefined)
        }}
      >
        <Stack>
          <Refusal error={save.error} fields={['url', 'events']} />
          <TextInput label={t('endpoints.url')} type="url" value={url} error={wrong.url} disabled={!can} onChange={(e) => setURL(e.currentTarget.value)} />
          <EventChoice value={events} onChange={setEvents} error={wrong.events} disabled={!can} />
          {can && (
            <Group>
              <Button type="submit" variant={changed ? 'filled' : 'default'} disabled={!changed || events.length === 0} loading={save.isPending}>
                {t('common:save')}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Block>
  )
}

/** What was told, or is yet to be, each with all its attempts. */
function Deliveries({ of: e }: { of: View }) {
  const { t } = useWords()
  const can = useCan()('write:endpoints')
  const format = useFormat()
  const [state, setState] = useState<DeliveryState | 'all'>('all')
  const [open, setOpen] = useState<string>()
  const list = usePages(['deliveries', e.id, state], (cursor) => need(client.GET('/v1/endpoints/{id}/deliveries', { params: { path: { id: e.id }, query: { cursor, limit: 30, state: state === 'all' ? undefined : state } } })))
  useTick(list.refetch, 3_000)
  const replay = useAct((delivery: string) => need(client.POST('/v1/endpoints/{id}/replay', { params: { path: { id: e.id } }, body: { delivery } })), { refresh: ['deliveries'], said: t('endpoints.replayed', { count: 1, n: '1' }) })
  return (
    <Block title={t('endpoints.deliveries')} wide>
      <Group justify="space-between" mb="sm">
        <SegmentedControl size="xs" aria-label={t('endpoints.filter')} value={state} onChange={(v) => setState(v as typeof state)} data={(['all', 'pending', 'delivered', 'failed'] as const).map((value) => ({ value, label: t(`endpoints.delivery.${value}`) }))} />
      </Group>
      <Lines of={list} label={t('endpoints.deliveries')} keyOf={(d) => d.id} empty={<Text c="dimmed">{t('endpoints.noDeliveries')}</Text>}>
        {(d) => {
          const last = d.tries.at(-1)
          return (
            <div className={kit.grow}>
              <Group gap="sm" wrap="nowrap">
                <State color={d.state === 'delivered' ? 'teal' : d.state === 'failed' ? 'red' : 'yellow'} miw={84}>
                  {t(`endpoints.delivery.${d.state}`)}
                </State>
                <div className={kit.grow}>
                  <div className={kit.name}>{d.type}</div>
                  <div className={kit.soft}>
                    <When at={d.created_at} /> · {t('endpoints.attempts', { count: d.attempts, n: format.number(d.attempts) })}
                    {last && <> · {last.status ? `HTTP ${last.status}` : last.error}</>}
                    {d.due_at && d.state === 'pending' && e.enabled && (
                      <>
                        {' · '}
                        {t('endpoints.next')} <When at={d.due_at} />
                      </>
                    )}
                  </div>
                </div>
                {can && (d.state === 'delivered' || d.state === 'failed') && (
                  <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={() => replay.mutate(d.id)} loading={replay.isPending && replay.variables === d.id}>
                    {t('endpoints.replay')}
                  </Button>
                )}
                <ActionIcon variant="subtle" color="gray" aria-expanded={open === d.id} aria-label={t('endpoints.showTries', { type: d.type })} onClick={() => setOpen(open === d.id ? undefined : d.id)}>
                  <IconChevronDown size={16} />
                </ActionIcon>
              </Group>
              <Collapse expanded={open === d.id}>
                <ol className={kit.tries} aria-label={t('endpoints.tries')}>
                  {d.tries.map((x) => (
                    <li key={x.at}>
                      <span className={kit.numbers}>{format.exact(x.at)}</span> · <b>{x.status ? `HTTP ${x.status}` : t('endpoints.noAnswer')}</b> · {t('took', { n: format.number(x.took_ms) })}
                      {x.error && <div className={kit.trouble}>{x.error}</div>}
                      {x.answer && <div className={kit.mono}>{x.answer}</div>}
                    </li>
                  ))}
                  {d.tries.length === 0 && <li>{t('endpoints.noTries')}</li>}
                </ol>
                <div className={kit.mono}>webhook-id: {d.event}</div>
              </Collapse>
            </div>
          )
        }}
      </Lines>
    </Block>
  )
}

const spans = ['1', '6', '24', '72', '168'] as const

/** Everything since a time once more; the server says when there is more than one request takes. */
function Replay({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useWords()
  const format = useFormat()
  const [hours, setHours] = useState<(typeof spans)[number]>('24')
  const [all, setAll] = useState<'missed' | 'all'>('missed')
  const [queued, setQueued] = useState<number>()
  const replay = useAct(
    async () => {
      const since = new Date(Date.now() - Number(hours) * 3_600_000).toISOString()
      let after: string | undefined
      let sum = 0
      do {
        const r = await need(client.POST('/v1/endpoints/{id}/replay', { params: { path: { id } }, body: { since, all: all === 'all', after } }))
        sum += r.queued
        after = r.next
        setQueued(sum)
      } while (after)
    },
    { quiet: true, refresh: ['deliveries'] },
  )
  const done = replay.isSuccess
  return (
    <Dialog title={t('endpoints.replaySince')} open onClose={onClose} onSubmit={() => (done ? onClose() : replay.mutate(undefined))} act={replay} word={done ? t('done') : t('endpoints.replay')}>
      <Select label={t('endpoints.since')} allowDeselect={false} value={hours} data={spans.map((value) => ({ value, label: t('endpoints.hours', { count: Number(value) }) }))} onChange={(v) => v && setHours(v as typeof hours)} />
      <SegmentedControl aria-label={t('endpoints.which')} value={all} onChange={(v) => setAll(v as typeof all)} data={[{ value: 'missed', label: t('endpoints.missed') }, { value: 'all', label: t('endpoints.alsoDelivered') }]} />
      <Text size="sm" c="dimmed">
        {t('endpoints.replayAbout')}
      </Text>
      <div role="status">{queued !== undefined && <Text size="sm">{t('endpoints.replayed', { count: queued, n: format.number(queued) })}</Text>}</div>
    </Dialog>
  )
}
