import { Alert, Anchor, Box, Progress, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { client, type Schemas } from '../../../api/client'
import { need } from '../../../api/pages'
import { Answer } from '../../../ui/Answer'
import { useChannelName } from '../../../ui/Channel'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { Block } from '../kit/Block'
import { useTick } from '../kit/tick'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

type System = Schemas['System']

/** How everything is doing, in words first; it looks again every five seconds. */
export default function Health() {
  const { t } = useWords()
  const query = useQuery({ queryKey: ['system'], queryFn: () => need(client.GET('/v1/system')) })
  useTick(query.refetch, 5_000)
  return (
    <Page title={t('sections.health')} about={t('health.about')}>
      <Answer of={query}>{(s) => <Shown of={s} />}</Answer>
    </Page>
  )
}

/** Where one goes about a problem. */
const places: Partial<Record<Schemas['Problematic']['what'], string>> = { provider: 'providers', held_back: 'providers', endpoints: 'endpoints', quarantine: 'quarantine' }

function Shown({ of: s }: { of: System }) {
  const { t, word } = useWords()
  const format = useFormat()
  const channelName = useChannelName()
  const waiting = s.due.reduce((n, d) => n + d.messages, 0)
  const trouble = s.events.endpoints_failing + s.events.endpoints_disabled
  const late = (about?: string) => s.due.find((d) => d.lane === about && d.overdue > 0)
  /** The API's sentence in the reader's language; what a provider says stays as it is. */
  const says = (p: Schemas['Problematic']) => {
    const since = p.what === 'overdue' ? late(p.about)?.oldest : p.what === 'events' ? s.events.oldest : undefined
    if (p.what === 'provider' || ((p.what === 'overdue' || p.what === 'events') && !since)) return p.says
    return t(`health.says.${p.what}`, { since: since ? format.full(since) : '', n: format.number(trouble), all: format.number(s.events.endpoints), held: format.number(s.held_back.find((h) => h.channel === p.about)?.messages ?? 0), free: s.disk ? format.bytes(s.disk.free) : '' })
  }
  const used = s.disk ? 1 - s.disk.free / s.disk.total : 0
  return (
    <>
      <Box role="status" mb="md">
        {s.problems.length === 0 ? (
          <Alert variant="light" color="teal" icon={<IconCircleCheck size={18} />} title={t('health.well')} />
        ) : (
          <Stack gap="xs">
            {s.problems.map((p) => (
              <Alert key={`${p.what} ${p.about}`} variant="light" color="red" icon={<IconAlertTriangle size={18} />} title={word('problems', p.what) + (p.about ? `: ${p.what === 'held_back' ? channelName(p.about) : p.about}` : '')}>
                {says(p)}{' '}
                {places[p.what] && (
                  <Anchor component={Link} to={`/settings/${places[p.what]}` as never} inherit c="inherit" underline="always">
                    {t('health.look')}
                  </Anchor>
                )}
              </Alert>
            ))}
          </Stack>
        )}
      </Box>
      <Block title={t('health.now')} wide>
        <dl className={kit.figures}>
          <Figure name={t('health.waiting')}>{format.number(waiting)}</Figure>
          <Figure name={t('health.oldest')}>{s.oldest_due ? <When at={s.oldest_due} /> : '–'}</Figure>
          <Figure name={t('health.doubtful')}>{format.number(s.doubtful)}</Figure>
          <Figure name={t('health.campaigns')}>{format.number(s.open_campaigns)}</Figure>
          <Figure name={t('health.jobs')}>{format.number(s.open_jobs)}</Figure>
          <Figure name={t('health.deliveries')}>{format.number(s.events.deliveries_open)}</Figure>
        </dl>
      </Block>
      {s.due.length > 0 && (
        <Block title={t('health.due')} about={t('health.dueAbout')} wide>
          <div className={kit.scroll}>
            <table className={kit.table}>
              <thead>
                <tr>
                  <th scope="col">{t('health.lane')}</th>
                  <th scope="col">{t('health.channel')}</th>
                  <th scope="col" data-n>{t('health.messages')}</th>
                  <th scope="col" data-n>{t('health.batches')}</th>
                  <th scope="col" data-n>{t('health.overdue')}</th>
                  <th scope="col">{t('health.since')}</th>
                </tr>
              </thead>
              <tbody>
                {s.due.map((d) => (
                  <tr key={`${d.lane} ${d.channel}`}>
                    <th scope="row">{t(`health.lanes.${d.lane}`)}</th>
                    <td>{channelName(d.channel)}</td>
                    <td data-n>{format.number(d.messages)}</td>
                    <td data-n>{format.number(d.batches)}</td>
                    <td data-n>{format.number(d.overdue)}</td>
                    <td>
                      <When at={d.oldest} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Block>
      )}
      <Block title={t('health.workers')} about={t('health.workersAbout')}>
        <ul className={kit.lines} aria-label={t('health.workers')}>
          {s.workers.map((w) => (
            <li key={w.name} className={kit.line}>
              <div className={kit.grow}>
                <span className={kit.mono}>{w.name}</span>
              </div>
              {w.seen_at && (
                <span className={kit.soft}>
                  <When at={w.seen_at} />
                </span>
              )}
              <State variant="default">
                {word('health.roles', w.role)}
              </State>
            </li>
          ))}
        </ul>
      </Block>
      <Block title={t('health.machine')}>
        <Stack gap="sm">
          <Text size="sm">
            Rapport {s.version} · {s.database.engine} {format.bytes(s.database.bytes)} · {t('health.queue')}: {s.queue.kind ?? '–'}, {s.queue.ok ? t('health.ok') : t('health.down')}
            {s.queue.hints_lost > 0 && <> · {t('health.hintsLost', { count: s.queue.hints_lost, n: format.number(s.queue.hints_lost) })}</>}
          </Text>
          {s.disk && (
            <div>
              <Text size="sm" mb={4}>
                {t('health.disk', { free: gigabytes(format, s.disk.free), total: gigabytes(format, s.disk.total) })}
              </Text>
              <Progress value={used * 100} color={used > 0.9 ? 'red' : 'rapport'} aria-label={t('health.diskUsed', { share: format.percent(used) })} />
            </div>
          )}
          <Text size="sm" c="dimmed">
            {t('health.endpoints', { count: s.events.endpoints, n: format.number(s.events.endpoints) })}
            {s.events.endpoints_failing > 0 && <> · {t('health.failing', { count: s.events.endpoints_failing, n: format.number(s.events.endpoints_failing) })}</>}
            {s.events.endpoints_disabled > 0 && <> · {t('health.disabled', { count: s.events.endpoints_disabled, n: format.number(s.events.endpoints_disabled) })}</>}
          </Text>
        </Stack>
      </Block>
    </>
  )
}

const gigabytes = (format: ReturnType<typeof useFormat>, n: number) => (n < 1024 ** 3 ? format.bytes(n) : `${format.number(Math.round((n / 1024 ** 3) * 10) / 10)} GB`)

function Figure({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
