import { ActionIcon, Checkbox, Radio, Select, Stack, Text } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconGripVertical } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import classes from './choices.module.css'
import type { Channel, Draft } from './draft'
import { useWait } from './words'

const methods = ['preferred', 'fallback', 'all'] as const
const waits = ['30m', '1h', '4h', '12h', '24h', '48h'] as const

export function ChannelsStep({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const { t } = useTranslation('campaigns')
  const wait = useWait()
  return (
    <Stack>
      <Radio.Group label={t('channels.method')} value={draft.method} onChange={(v) => change({ method: v as Draft['method'] })}>
        <div className={classes.cards}>
          {methods.map((m) => (
            <Radio.Card key={m} value={m} className={classes.card}>
              <Radio.Indicator aria-hidden />
              <span>
                <b>{t(`channels.${m}`)}</b>
                <small>{t(`channels.${m}About`)}</small>
              </span>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
      <Order draft={draft} change={change} />
      {draft.method === 'fallback' && (
        <Select maw={320} label={t('channels.wait')} description={t('channels.waitAbout')} allowDeselect={false} value={draft.escalate} onChange={(v) => change({ escalate: v ?? '4h' })} data={[...new Set([...waits, draft.escalate])].map((w) => ({ value: w, label: wait(w) }))} />
      )}
    </Stack>
  )
}

/** The order of channels: by dragging, and by the arrows for who does not drag. What moved is said aloud. */
function Order({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const { t } = useTranslation('campaigns')
  const name = useChannelName()
  const [held, setHeld] = useState<Channel | null>(null)
  const [over, setOver] = useState<Channel | null>(null)
  const [said, setSaid] = useState('')
  const move = (channel: Channel, to: number) => {
    const rest = draft.order.filter((x) => x !== channel)
    const order = [...rest.slice(0, to), channel, ...rest.slice(to)]
    change({ order })
    setSaid(t('channels.moved', { channel: name(channel), n: to + 1 }))
  }
  return (
    <div>
      <Text size="sm" fw={500} id="order">{t('channels.order')}</Text>
      <Text size="xs" c="dimmed">{t(`channels.order_${draft.method}` as const)}</Text>
      <ol className={classes.channels} aria-labelledby="order">
        {draft.order.map((x, i) => {
          const on = !draft.off.includes(x)
          return (
            <li
              key={x}
              className={classes.channel}
              data-off={!on || undefined}
              data-held={held === x || undefined}
              data-over={over === x || undefined}
              draggable
              onDragStart={(e) => { setHeld(x); e.dataTransfer.effectAllowed = 'move' }}
              onDragEnd={() => { setHeld(null); setOver(null) }}
              onDragOver={(e) => { if (held && held !== x) { e.preventDefault(); setOver(x) } }}
              onDrop={(e) => { e.preventDefault(); if (held) move(held, i); setHeld(null); setOver(null) }}
            >
              <span className={classes.grip} aria-hidden><IconGripVertical size={16} /></span>
              <span className={classes.place} aria-hidden>{i + 1}</span>
              <ChannelIcon channel={x} />
              <Checkbox className={classes.grow} label={name(x)} checked={on} onChange={() => { const off = on ? [...draft.off, x] : draft.off.filter((y) => y !== x); if (off.length < draft.order.length) change({ off }) }} />
              <ActionIcon variant="subtle" color="gray" disabled={i === 0} aria-label={t('channels.up', { channel: name(x) })} onClick={() => move(x, i - 1)}><IconArrowUp size={16} /></ActionIcon>
              <ActionIcon variant="subtle" color="gray" disabled={i === draft.order.length - 1} aria-label={t('channels.down', { channel: name(x) })} onClick={() => move(x, i + 1)}><IconArrowDown size={16} /></ActionIcon>
            </li>
          )
        })}
      </ol>
      <span className="visually-hidden" role="status">{said}</span>
    </div>
  )
}
