import { Select, Text } from '@mantine/core'
import { IconHelpCircle, IconMailOff } from '@tabler/icons-react'
import { memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { Rows } from '../../ui/Rows'
import { When } from '../../ui/When'
import type { Campaign } from './campaign'
import classes from './Messages.module.css'
import { Person } from './Person'
import { channels, states, stateColor, useReason, type State } from './words'

type Message = Schemas['Message']
type Channel = (typeof channels)[number] | 'none'

/** Every message of the campaign: one row a recipient, whatever became of it. */
export function Messages({ campaign: c, state, onState, onWhy }: { campaign: Campaign; state: string; onState: (state: string) => void; onWhy: (customer: string) => void }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const name = useChannelName()
  const [channel, setChannel] = useState<Channel | ''>('')
  const of = states.find((s) => s === state)
  const list = usePages(['campaign', c.id, 'messages', { of, channel }], (cursor, signal) =>
    need(client.GET('/v1/campaigns/{id}/messages', { params: { path: { id: c.id }, query: { state: of, channel: channel || undefined, cursor, limit: 100 } }, signal })) as Promise<Schemas['ListMessage']>, // not the stream that it can be as well
  )
  const count = of && c.counts ? c.counts[of] : c.counts?.planned
  return (
    <>
      <div className={classes.tools}>
        <Select size="xs" aria-label={t('messages.state')} placeholder={t('messages.anyState')} clearable value={of ?? null} onChange={(v) => onState(v ?? '')} data={states.map((s) => ({ value: s, label: `${t(`state.${s}`)}${c.counts ? ` · ${format.number(c.counts[s])}` : ''}` }))} />
        <Select size="xs" aria-label={t('messages.channel')} placeholder={t('messages.anyChannel')} clearable value={channel || null} onChange={(v) => setChannel((v ?? '') as Channel | '')} data={[...channels, 'none' as const].map((x) => ({ value: x, label: name(x) }))} />
        {!channel && count !== undefined && list.rows.length > 0 && <Text size="xs" c="dimmed" className={classes.count}>{t('messages.count', { count, n: format.number(count) })}</Text>}
      </div>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={8} height={44} />
      ) : list.rows.length === 0 ? (
        <Empty icon={IconMailOff} title={t('messages.none')}>{of || channel ? t('messages.noneFiltered') : t(c.status === 'cancelled' ? 'messages.noneCancelled' : c.status === 'finished' ? 'messages.noneFinished' : 'messages.noneAbout')}</Empty>
      ) : (
        <div className={classes.list}>
          <Rows rows={list.rows} keyOf={(m) => m.id} height={49} label={t('tab.messages')} more={list.more} row={(m) => <Row message={m} onWhy={onWhy} />} />
        </div>
      )}
    </>
  )
}

const Row = memo(function Row({ message: m, onWhy }: { message: Message; onWhy: (customer: string) => void }) {
  const { t } = useTranslation('campaigns')
  const reason = useReason()
  const [color, shade] = (stateColor[m.state as State] ?? 'gray.5').split('.')
  return (
    <div className={classes.row}>
      <ChannelIcon channel={m.channel} />
      <span className={classes.who}><Person id={m.customer} /></span>
      <span className={classes.state}>
        <span className={classes.dot} style={{ background: `var(--mantine-color-${color}-${shade})` }} aria-hidden />
        <span title={t(`about.${m.state as State}`)}>{t(`state.${m.state as State}`)}</span>
        {m.reason && <span className={`${classes.soft} ${classes.reason}`}>{reason(m.reason)}</span>}
      </span>
      <span className={`${classes.soft} ${classes.provider}`}>{m.provider}{m.attempt > 1 ? ` · ${t('messages.attempts', { count: m.attempt })}` : ''}</span>
      <span className={`${classes.soft} ${classes.when}`}><When at={m.sent_at ?? m.updated_at} as="brief" /></span>
      <button type="button" className={classes.ask} onClick={() => onWhy(m.customer)}>
        <IconHelpCircle size={14} aria-hidden />
        {t('messages.why')}
      </button>
    </div>
  )
})
