import { Loader, SegmentedControl, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconTestPipe } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { ProblemAlert } from '../../ui/Problem'
import classes from './DryRun.module.css'
import { useEstimate, willSend, willSkip, type Estimate } from './estimate'
import { Sample } from './Sample'
import { useReason } from './words'

/** What the draft would do, as it stands: decided and rendered by the engine that sends. */
export function DryRun({ id, ready, version, unsaved }: { id: string | undefined; ready: boolean; version: number; /** Why the draft could not be saved as it stands. */ unsaved: unknown }) {
  const { t } = useTranslation('campaigns')
  const asked = useEstimate(id, version, ready)
  return (
    <section className={classes.all} aria-labelledby="dry">
      <div className={classes.head}>
        <Title order={2} id="dry">{t('dry.title')}</Title>
        {asked.isFetching && <Loader size={14} aria-label={t('dry.again')} />}
      </div>
      {unsaved ? (
        <ProblemAlert error={unsaved} />
      ) : !ready ? (
        <div className={classes.none}>
          <IconTestPipe size={28} stroke={1.5} aria-hidden />
          <Text size="sm" c="dimmed">{t('dry.empty')}</Text>
        </div>
      ) : asked.data ? (
        <Found e={asked.data} />
      ) : asked.error ? (
        <ProblemAlert error={asked.error} retry={() => void asked.refetch()} />
      ) : (
        <Stack gap="xs"><Skeleton height={40} /><Skeleton height={120} /><Skeleton height={240} /></Stack>
      )}
    </section>
  )
}

function Found({ e }: { e: Estimate }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const name = useChannelName()
  const reason = useReason()
  const send = willSend(e)
  const most = Math.max(1, ...Object.values(e.channels))
  const amount = e.costs.reduce((sum, c) => sum + c.amount, 0)
  const skipped = Object.entries(e.skipped).sort((a, b) => b[1] - a[1])
  return (
    <div className={classes.found} aria-live="polite">
      <div>
        <div className={classes.big}>{format.number(send)}</div>
        <Text size="sm" c="dimmed">
          {t('dry.send', { count: send })}
          {' · '}
          {t('dry.of', { count: e.recipients, n: format.number(e.recipients) })}
        </Text>
        {!e.complete && <Text size="xs" c="dimmed" mt={4}>{t('dry.part', { n: format.number(e.examined) })}</Text>}
        {e.later > 0 && <Text size="xs" c="dimmed" mt={4}>{t('dry.later', { count: e.later, n: format.number(e.later) })}</Text>}
      </div>
      <ul className={classes.channels}>
        {Object.entries(e.channels).sort((a, b) => b[1] - a[1]).map(([ch, n]) => {
          const cost = e.costs.find((c) => c.channel === ch)
          return (
            <li key={ch}>
              <ChannelIcon channel={ch} />
              <span className={classes.name}>{name(ch)}</span>
              <span className={classes.track} aria-hidden><span style={{ width: `${(n / most) * 100}%` }} /></span>
              <span className={classes.num}>{format.number(n)}</span>
              <span className={classes.cost}>{ch === 'sms' ? t('dry.segments', { count: e.sms_segments, n: format.number(e.sms_segments) }) : ''}{cost && cost.amount > 0 && e.currency ? ` ${format.money(cost.amount, e.currency)}` : ''}</span>
            </li>
          )
        })}
      </ul>
      <div className={classes.sum}>
        <span>{t('dry.cost')}</span>
        <b>{e.currency ? format.money(amount, e.currency) : t('dry.noPrices')}</b>
      </div>
      <div>
        <div className={classes.sum}>
          <span>{t('dry.skipped')}</span>
          <b>{format.number(willSkip(e) + e.refused)}</b>
        </div>
        {(skipped.length > 0 || e.refused > 0) && (
          <ul className={classes.reasons}>
            {skipped.map(([r, n]) => <li key={r}><span>{reason(r)}</span><span>{format.number(n)}</span></li>)}
            {e.refused > 0 && <li><span>{t('dry.refused')}</span><span>{format.number(e.refused)}</span></li>}
          </ul>
        )}
      </div>
      <Samples e={e} />
    </div>
  )
}

function Samples({ e }: { e: Estimate }) {
  const { t } = useTranslation('campaigns')
  const name = useChannelName()
  const kinds = [...new Set(e.samples.map((s) => s.channel as string))]
  const [chosen, setKind] = useState('')
  const kind = kinds.includes(chosen) ? chosen : (kinds[0] ?? '')
  const shown = e.samples.filter((s) => s.channel === kind)
  const [at, setAt] = useState(0)
  if (shown.length === 0) return null
  const i = Math.min(at, shown.length - 1)
  return (
    <div>
      <Title order={3} mb={8}>{t('dry.samples')}</Title>
      <div className={classes.pick}>
        {kinds.length > 1 && <SegmentedControl size="xs" aria-label={t('column.channel')} value={kind} onChange={(v) => { setKind(v); setAt(0) }} data={kinds.map((k) => ({ value: k, label: name(k) }))} />}
        {shown.length > 1 && <SegmentedControl size="xs" aria-label={t('dry.samples')} value={String(i)} onChange={(v) => setAt(Number(v))} data={shown.map((_, j) => ({ value: String(j), label: String(j + 1) }))} />}
      </div>
      <Sample key={`${kind}-${i}`} of={shown[i]!} />
    </div>
  )
}
