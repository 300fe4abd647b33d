import { Skeleton, Text, Title, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { useFormat } from '../../ui/format'
import { ProblemAlert } from '../../ui/Problem'
import { Bar } from './Bar'
import { moving, over, reached, settled, stirs, type Campaign, type Counts } from './campaign'
import { Ledger } from './Ledger'
import classes from './Overview.module.css'
import { Replies } from './Replies'
import { useReason } from './words'

export type Funnel = Schemas['Funnel']

const Charts = lazy(() => import('./Charts'))

/** The campaign at a glance: how far it is, what came of it, and a ledger in which nothing is missing. */
export function Overview({ campaign: c, onState, onReplies }: { campaign: Campaign; onState: (state: string) => void; onReplies: () => void }) {
  const { t } = useTranslation('campaigns')
  const can = useCan()
  const figures = useQuery({
    queryKey: ['campaign', c.id, 'figures'],
    queryFn: () => need(client.GET('/v1/campaigns/{id}/funnel', { params: { path: { id: c.id } } })),
    staleTime: 1_000,
    // The server counts a campaign's rows at most so often; while they change it is asked in a rhythm, and once after the end.
    refetchInterval: (q) => (stirs(c) || (c.finished_at && q.state.data && q.state.data.as_of < c.finished_at) ? 2_000 : c.status === 'paused' ? 10_000 : false),
  })
  const n = c.counts
  if (!n) return null
  return (
    <div className={classes.all}>
      <Progress campaign={c} counts={n} />
      <Figures campaign={c} counts={n} />
      <div className={classes.columns}>
        <div className={classes.main}>
          {figures.error && !figures.data ? (
            <ProblemAlert error={figures.error} retry={() => void figures.refetch()} />
          ) : (
            <Suspense fallback={<ChartsComing />}>{figures.data ? <Charts funnel={figures.data} over={over(c.status)} /> : <ChartsComing />}</Suspense>
          )}
        </div>
        <div className={classes.side}>
          <Ledger campaign={c} counts={n} onState={onState} />
          {figures.data && <Reasons title={t('why.skipped')} of={figures.data.skipped} onAll={() => onState('skipped')} />}
          {figures.data && <Reasons title={t('why.failed')} of={figures.data.failed} onAll={() => onState('failed')} />}
        </div>
      </div>
      {can('read:threads') && (
        <section aria-labelledby="latest">
          <div className={classes.heading}>
            <Title order={2} id="latest">{t('replies.latest')}</Title>
            {n.replied > 0 && <UnstyledButton className={classes.all_} onClick={onReplies}>{t('replies.all')}</UnstyledButton>}
          </div>
          <Replies campaign={c} few />
        </section>
      )}
    </div>
  )
}

function ChartsComing() {
  return (
    <div className={classes.coming}>
      <Skeleton height={300} radius="md" />
      <Skeleton height={260} radius="md" />
    </div>
  )
}

/** How far it is, how fast it goes, and when it will be through. */
function Progress({ campaign: c, counts: n }: { campaign: Campaign; counts: Counts }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const done = settled(n)
  const rate = useRate(done, moving(c.status))
  const whole = Math.max(n.planned, n.audience - c.refused)
  const left = whole - done
  const minutes = rate > 0 ? Math.ceil(left / rate / 60) : 0
  return (
    <div className={classes.progress}>
      <div className={classes.heading}>
        <Text fw={550} className={classes.tabular}>
          {whole > 0 ? t('progressLong', { done: format.number(done), planned: format.number(whole), share: format.percent(done / whole) }) : t('progressNone')}
        </Text>
        <Text size="sm" c="dimmed" className={classes.tabular} aria-live="polite">
          {moving(c.status) && rate > 0 && left > 0 ? t(left / rate < 60 ? 'speedSoon' : 'speed', { rate: format.number(Math.round(rate)), count: minutes }) : ''}
        </Text>
      </div>
      <Bar counts={n} thick />
      <Stands campaign={c} counts={n} />
    </div>
  )
}

/** How things stand where the bar alone would leave one guessing. */
function Stands({ campaign: c, counts: n }: { campaign: Campaign; counts: Counts }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const out = reached(n) + n.sending
  const say = (): string => {
    switch (c.status) {
      case 'scheduled':
        return t('stands.scheduled', { at: c.send_at ? format.full(c.send_at) : '' })
      case 'planning':
        return t('stands.planning')
      case 'paused':
        return t(out > 0 ? 'stands.paused' : 'stands.pausedBefore', { count: n.pending, n: format.number(n.pending) })
      case 'quarantined':
        return t('stands.quarantined')
      case 'finished':
        return out > 0 ? '' : n.planned > 0 ? t('stands.nobody') : ''
      case 'cancelled':
        return out > 0 ? t('stands.cancelled', { count: out, n: format.number(out), stopped: format.number(n.cancelled + n.pending) }) : t('stands.cancelledBefore')
      default:
        return ''
    }
  }
  const said = say()
  return said ? <Text size="sm" c="dimmed" mt={8}>{said}</Text> : null
}

/** Per second, smoothed over the last few reports. */
function useRate(done: number, on: boolean): number {
  const [seen, setSeen] = useState<{ at: number; done: number; rate: number }>({ at: 0, done, rate: 0 })
  useEffect(() => {
    const at = Date.now()
    setSeen((was) => {
      if (was.at === 0 || done <= was.done) return was.at === 0 ? { at, done, rate: 0 } : was
      const now = (done - was.done) / Math.max(0.5, (at - was.at) / 1000)
      return { at, done, rate: was.rate === 0 ? now : was.rate * 0.6 + now * 0.4 }
    })
  }, [done])
  return on ? seen.rate : 0
}

function Figures({ campaign: c, counts: n }: { campaign: Campaign; counts: Counts }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const out = reached(n)
  const of = (x: number, whole: number) => (whole > 0 ? format.percent(x / whole) : '–')
  const cells: { key: string; label: string; value: string; below: ReactNode }[] = [
    { key: 'sent', label: t('figure.sent'), value: format.number(out), below: t('figure.of', { n: format.number(n.planned) }) },
    { key: 'delivered', label: t('figure.delivered'), value: of(n.delivered, out + n.failed), below: format.number(n.delivered) },
    { key: 'opened', label: t('figure.opened'), value: of(n.opened, out), below: format.number(n.opened) },
    { key: 'clicked', label: t('figure.clicked'), value: of(n.clicked, out), below: format.number(n.clicked) },
    { key: 'replied', label: t('figure.replied'), value: of(n.replied, out), below: format.number(n.replied) },
    { key: 'unsubscribed', label: t('figure.unsubscribed'), value: of(n.unsubscribed, out), below: format.number(n.unsubscribed) },
  ]
  if (n.complained > 0) cells.push({ key: 'complained', label: t('figure.complained'), value: of(n.complained, out), below: format.number(n.complained) })
  const segments = (c.costs ?? []).reduce((sum, x) => sum + (x.segments ?? 0), 0)
  if (segments > 0) cells.push({ key: 'segments', label: t('figure.segments'), value: format.number(segments), below: 'SMS' })
  const micros = (c.costs ?? []).reduce((sum, x) => sum + x.micros, 0)
  if (c.currency && micros > 0) cells.push({ key: 'cost', label: t('dry.cost'), value: format.money(micros / 1_000_000, c.currency), below: t('figure.each', { n: format.money(micros / 1_000_000 / Math.max(1, out), c.currency) }) })
  return (
    <dl className={classes.figures}>
      {cells.map((x) => (
        <div key={x.key} className={classes.figure}>
          <dt>{x.label}</dt>
          <dd>{x.value}</dd>
          <dd className={classes.below}>{x.below}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Why so many did not get it, the most frequent first. */
function Reasons({ title, of, onAll }: { title: string; of: Record<string, number>; onAll: () => void }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const reason = useReason()
  const rows = Object.entries(of).sort((a, b) => b[1] - a[1])
  if (rows.length === 0) return null
  return (
    <section>
      <div className={classes.heading}>
        <Title order={3}>{title}</Title>
        <UnstyledButton className={classes.all_} onClick={onAll}>{t('why.who')}</UnstyledButton>
      </div>
      <ul className={classes.reasons}>
        {rows.map(([r, count]) => (
          <li key={r}>
            <span>{reason(r)}</span>
            <span className={classes.tabular}>{format.number(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
