import { IconAlertTriangle, IconBolt, IconClick, IconEye, IconMailOff, IconMessage2, IconMessageReply, IconNote, IconPhone, IconPhoneOff, IconSend, IconShieldCheck, IconShieldX, type Icon } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { memo, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { useChannelName } from '../../ui/Channel'
import { When } from '../../ui/When'
import { useEventWords } from '../inbox/EventLine'
import classes from './Timeline.module.css'
import { useTopics } from './topics'
import { useCode } from './words'

/** What is said of an answer that is not simply sent. */
const outcome: Partial<Record<string, 'tookBack' | 'notSent' | 'willAnswer'>> = { cancelled: 'tookBack', failed: 'notSent', skipped: 'notSent', expired: 'notSent', scheduled: 'willAnswer' }

type Said = { icon: Icon; tone?: 'good' | 'bad' | 'note'; text: ReactNode; quote?: string }

/** One thing that happened, in words, with the way to where it is told whole. */
export const HappeningRow = memo(function HappeningRow({ of: h, name }: { of: Schemas['Happening']; name: string }) {
  const say = useSay(name)
  const { icon: Icon, tone, text, quote } = say(h)
  return (
    <li className={classes.item}>
      <span className={classes.icon} data-tone={tone} aria-hidden>
        <Icon size={15} stroke={1.8} />
      </span>
      <div className={classes.body}>
        {text}
        {quote && <div className={classes.quote}>{quote}</div>}
      </div>
      <span className={classes.at}>
        <When at={h.at} as="clock" />
      </span>
    </li>
  )
})

function useSay(name: string) {
  const { t } = useTranslation('customers')
  const code = useCode()
  const channelName = useChannelName()
  const topics = useTopics()
  const event = useEventWords()
  const campaign = (h: Schemas['Happening'], id?: string) => {
    const words = h.campaign_name || t('timeline.aMessage')
    return id && h.campaign_name ? (
      <Link to="/campaigns/$id" params={{ id }}>
        {words}
      </Link>
    ) : (
      words
    )
  }
  return (h: Schemas['Happening']): Said => {
    if (h.message) {
      const bad = h.message.state === 'failed' || h.message.state === 'expired'
      const why = [code('state', h.message.state), h.message.reason && h.message.reason !== h.message.state && code('reason', h.message.reason)].filter(Boolean).join(': ')
      return {
        icon: bad || h.message.state === 'skipped' ? IconMailOff : IconSend,
        tone: bad ? 'bad' : undefined,
        text: (
          <>
            {campaign(h, h.message.campaign)} · {h.message.channel === 'none' ? '' : `${channelName(h.message.channel)} · `}
            {why}
          </>
        ),
      }
    }
    if (h.entry) {
      const e = h.entry
      const who = e.kind === 'inbound' ? name : (e.author ?? t('timeline.us'))
      const verb = e.kind === 'inbound' ? 'wrote' : e.kind === 'note' ? 'noted' : outcome[e.state ?? ''] ?? 'answered'
      return {
        icon: e.kind === 'inbound' ? IconMessage2 : e.kind === 'note' ? IconNote : e.kind === 'event' ? IconBolt : IconMessageReply,
        tone: e.kind === 'note' ? 'note' : verb === 'notSent' ? 'bad' : undefined,
        text: (
          <Link to="/inbox/$thread" params={{ thread: e.thread } as never} search={{ entry: e.id } as never}>
            {e.kind === 'event' ? event(e) : t(`timeline.${verb}`, { who, channel: channelName(e.channel) })}
          </Link>
        ),
        quote: e.kind === 'event' ? undefined : e.text,
      }
    }
    if (h.consent) {
      const c = h.consent
      return {
        icon: c.granted ? IconShieldCheck : IconShieldX,
        tone: c.granted ? 'good' : 'bad',
        text: t(c.granted ? 'timeline.granted' : 'timeline.withdrew', { topic: c.topic ? topics.title(c.topic) : t('topic.every'), channel: channelName(c.channel) }),
        quote: [c.source, c.text_version && t('consent.wording', { version: c.text_version }), c.proof].filter(Boolean).join(' · '),
      }
    }
    if (h.engagement) {
      const e = h.engagement
      return {
        icon: e.kind === 'clicked' ? IconClick : e.kind === 'replied' ? IconMessageReply : IconEye,
        text: (
          <>
            {code('engaged', e.kind)}: {campaign(h)}
            {e.count > 1 && ` · ${t('timeline.times', { count: e.count })}`}
            {e.count === 0 && e.machine > 0 && ` · ${t('timeline.machine')}`}
          </>
        ),
      }
    }
    if (h.event) return { icon: IconBolt, text: t('timeline.event', { type: h.event.type }), quote: properties(h.event.properties) }
    if (h.call) {
      const c = h.call
      const text = `${t(c.direction === 'in' ? 'timeline.callIn' : 'timeline.callOut')} · ${code('call', c.state)}${c.agent ? ` · ${c.agent}` : ''}`
      return {
        icon: c.state === 'missed' || c.state === 'failed' ? IconPhoneOff : IconPhone,
        tone: c.state === 'missed' ? 'bad' : undefined,
        text: c.thread ? (
          <Link to="/inbox/$thread" params={{ thread: c.thread } as never}>
            {text}
          </Link>
        ) : (
          text
        ),
        quote: c.number,
      }
    }
    const r = h.report
    return {
      icon: IconAlertTriangle,
      tone: r?.kind === 'delayed' || r?.kind === 'auto_reply' ? undefined : 'bad',
      text: (
        <>
          {code('report', r?.kind ?? '')}: {campaign(h)}
          {r?.reason && ` · ${code('reason', r.reason)}`}
        </>
      ),
      quote: [r?.code, r?.detail].filter(Boolean).join(' '),
    }
  }
}

/** tier: gold · total: 12 */
function properties(v: unknown): string | undefined {
  if (typeof v !== 'object' || v === null) return undefined
  return Object.entries(v)
    .map(([k, x]) => `${k}: ${plain(x)}`)
    .join(' · ')
}

/** A value as a person would say it: of things that have a name, the name, and how many. */
function plain(v: unknown): string {
  if (Array.isArray(v)) return v.map(plain).join(', ')
  if (typeof v !== 'object' || v === null) return String(v)
  const o = v as Record<string, unknown>
  const name = o.title ?? o.name ?? o.sku
  if (typeof name !== 'string') return JSON.stringify(v)
  return typeof o.quantity === 'number' && o.quantity !== 1 ? `${name} × ${o.quantity}` : name
}
