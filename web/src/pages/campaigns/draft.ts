import type { Schemas } from '../../api/client'
import type { Campaign } from './campaign'
import { channels } from './words'

export type Channel = (typeof channels)[number]
export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'
export const days: Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** What the builder holds: the draft as people fill it in. */
export type Draft = {
  name: string
  purpose: 'marketing' | 'transactional'
  topic: string
  template: string
  data: Record<string, unknown>
  method: 'preferred' | 'fallback' | 'all'
  /** Every channel in the order of the list; `off` are not used. */
  order: Channel[]
  off: Channel[]
  escalate: string
  at: string
  window: { from: string; until: string; days: Day[]; zone: string } | null
  expires: string
}

export const fresh: Draft = { name: '', purpose: 'marketing', topic: '', template: '', data: {}, method: 'preferred', order: [...channels], off: [], escalate: '4h', at: '', window: null, expires: '' }

export function draftOf(c: Campaign): Draft {
  const used = (c.routing.channels ?? []) as Channel[]
  const w = c.send_window
  return {
    name: c.name,
    purpose: c.purpose as Draft['purpose'],
    topic: c.topic ?? '',
    template: c.template ?? '',
    data: (c.data as Record<string, unknown> | undefined) ?? {},
    method: c.routing.method ?? 'preferred',
    order: [...used, ...channels.filter((x) => !used.includes(x))],
    off: used.length > 0 ? channels.filter((x) => !used.includes(x)) : [],
    escalate: c.routing.escalate_after || '4h',
    at: c.send_at ? local(c.send_at) : '',
    window: w ? { from: w.from, until: w.until, days: (w.days ?? []) as Day[], zone: w.timezone || 'recipient' } : null,
    expires: c.expires_at ? local(c.expires_at) : '',
  }
}

/** The draft in the API's words, whole. Nothing said about channels means any, in the customers' own order. */
export function specOf(d: Draft): Schemas['CampaignChange'] {
  const used = d.order.filter((x) => !d.off.includes(x))
  const any = d.off.length === 0 && d.method === 'preferred'
  return {
    name: d.name,
    purpose: d.purpose,
    topic: d.topic,
    template: d.template,
    data: d.data,
    routing: { method: d.method, channels: any && used.every((x, i) => x === channels[i]) ? [] : used, ...(d.method === 'fallback' && d.escalate ? { escalate_after: d.escalate } : {}) },
    ...(d.at ? { send_at: new Date(d.at).toISOString() } : {}),
    ...(d.window ? { send_window: { from: d.window.from, until: d.window.until, days: d.window.days, timezone: d.window.zone } } : {}),
    ...(d.expires ? { expires_at: new Date(d.expires).toISOString() } : {}),
  }
}

/** What a change must take away, besides what it sets. */
export function cleared(d: Draft): ('send_at' | 'send_window' | 'expires_at')[] {
  const out: ('send_at' | 'send_window' | 'expires_at')[] = []
  if (!d.at) out.push('send_at')
  if (!d.window) out.push('send_window')
  if (!d.expires) out.push('expires_at')
  return out
}

/** A time in the viewer's zone, as <input type="datetime-local"> has it. */
export function local(at: string | Date): string {
  const d = new Date(at)
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** data.order.number in nested objects. */
export function valueAt(data: Record<string, unknown>, path: string): string {
  let v: unknown = data
  for (const part of path.split('.')) v = typeof v === 'object' && v !== null ? (v as Record<string, unknown>)[part] : undefined
  return v === undefined || v === null ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v as string | number | boolean)
}

export function withValue(data: Record<string, unknown>, path: string, value: string): Record<string, unknown> {
  const [first, ...rest] = path.split('.')
  const out = { ...data }
  if (rest.length > 0) {
    const below = out[first!]
    out[first!] = withValue(typeof below === 'object' && below !== null ? (below as Record<string, unknown>) : {}, rest.join('.'), value)
  } else if (value === '') delete out[first!]
  else out[first!] = value
  return out
}
