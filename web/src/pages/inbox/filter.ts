import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import type { Schemas } from '../../api/client'
import { useSession } from '../../api/session'

export const tabs = ['mine', 'unassigned', 'all'] as const
export type Tab = (typeof tabs)[number]

export const statuses = ['open', 'pending', 'snoozed', 'resolved', 'spam'] as const
export type Status = (typeof statuses)[number]

export const priorities = ['urgent', 'high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

export const channels = ['email', 'sms', 'whatsapp', 'telegram', 'webhook', 'phone'] as const
export type Channel = (typeof channels)[number]

export const sorts = ['last_activity', 'waiting', 'priority', 'created'] as const
export type Sort = (typeof sorts)[number]

export const intents = ['stop', 'question', 'complaint', 'thanks', 'order', 'other'] as const
export const sentiments = ['positive', 'neutral', 'negative'] as const

/** What the address bar says of the list. Anything it should not say counts as not said. */
export type Filter = {
  tab: Tab
  status: Status | 'any'
  channel?: Channel
  label?: string
  priority?: Priority
  intent?: (typeof intents)[number]
  sentiment?: (typeof sentiments)[number]
  campaign?: string
  unread?: boolean
  sort: Sort
  order?: 'asc' | 'desc'
  view?: string
  q?: string
}

const one = <T extends string>(all: readonly T[], value: unknown): T | undefined => all.find((x) => x === value)
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value.slice(0, 200) : typeof value === 'number' ? String(value) : undefined)

export function readFilter(search: Record<string, unknown>): Filter {
  return {
    tab: one(tabs, search.tab) ?? 'all',
    status: one([...statuses, 'any'] as const, search.status) ?? 'open',
    channel: one(channels, search.channel),
    label: text(search.label),
    priority: one(priorities, search.priority),
    intent: one(intents, search.intent),
    sentiment: one(sentiments, search.sentiment),
    campaign: text(search.campaign),
    unread: search.unread === true ? true : undefined,
    sort: one(sorts, search.sort) ?? 'last_activity',
    order: one(['asc', 'desc'] as const, search.order),
    view: text(search.view),
    q: text(search.q),
  }
}

/** How many filters beyond tab, status and order are on. */
export const narrowed = (f: Filter) => [f.channel, f.label, f.priority, f.intent, f.sentiment, f.campaign, f.unread].filter((x) => x !== undefined).length

/** The list's filter as the API has it. */
export function listQuery(f: Filter, me: string) {
  return {
    ...countQuery(f),
    assignee: f.tab === 'mine' ? me : f.tab === 'unassigned' ? 'none' : undefined,
    status: f.status === 'any' ? undefined : [f.status],
    sort: f.sort,
    order: f.order,
  }
}

/** The same without what the counts tell apart. */
export function countQuery(f: Filter) {
  return { channel: f.channel, label: f.label, priority: f.priority, intent: f.intent, sentiment: f.sentiment, campaign: f.campaign, unread: f.unread }
}

/** Whether a thread that has changed still belongs on the list, as far as its own fields tell. */
export function fits(t: Schemas['Thread'], f: Filter, me: string): boolean {
  const assignee = (t.assignee ?? '').toLowerCase()
  if (f.tab === 'mine' && assignee !== me.toLowerCase()) return false
  if (f.tab === 'unassigned' && assignee !== '') return false
  if (f.status === 'any' ? t.status === 'spam' : t.status !== f.status) return false
  if (f.channel && t.channel !== f.channel) return false
  if (f.priority && t.priority !== f.priority) return false
  if (f.unread && !t.unread) return false
  if (f.label && !t.labels.some((l) => l.toLowerCase() === f.label!.toLowerCase())) return false
  return f.sort !== 'waiting' || t.waiting_since !== undefined
}

/** A saved view as a filter, and back. */
export function viewFilter(v: Schemas['ViewFilter'], me: string): Omit<Filter, 'view' | 'q'> {
  return {
    tab: v.assignee === 'none' ? 'unassigned' : v.assignee && (v.assignee === 'me' || v.assignee.toLowerCase() === me.toLowerCase()) ? 'mine' : 'all',
    status: v.status?.length === 1 ? v.status[0]! : v.status?.length ? 'any' : 'any',
    channel: v.channel,
    label: v.label,
    priority: v.priority,
    intent: v.intent,
    sentiment: v.sentiment,
    campaign: v.campaign,
    unread: v.unread || undefined,
    sort: v.sort ?? 'last_activity',
    order: v.order,
  }
}

export function asView(f: Filter): Schemas['ViewFilter'] {
  return { ...countQuery(f), assignee: f.tab === 'mine' ? 'me' : f.tab === 'unassigned' ? 'none' : undefined, status: f.status === 'any' ? undefined : [f.status], sort: f.sort, order: f.order }
}

/** Somebody is to be written to, and who is not said yet. */
export const nobody = 'new'

/** Where one is in the inbox, and the ways to elsewhere. */
export function usePlace() {
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const { thread } = useParams({ strict: false }) as { thread?: string }
  const go = useNavigate()
  const me = useSession().agent.name
  const filter = useMemo(() => readFilter(search), [search])
  const entry = text(search.entry)
  const to = thread ? undefined : text(search.write)

  const setFilter = useCallback(
    (change: Partial<Filter>) => {
      const next = { ...filter, ...change }
      void go({ to: thread ? '/inbox/$thread' : '/inbox', params: { thread: thread! }, search: written(next) as never, replace: true })
    },
    [filter, go, thread],
  )
  const open = useCallback(
    (id: string | undefined, at?: string) => void (id ? go({ to: '/inbox/$thread', params: { thread: id }, search: { ...written(filter), ...(at ? { entry: at } : {}) } as never }) : go({ to: '/inbox', search: written(filter) as never })),
    [filter, go],
  )
  /** Opens a conversation that one has just begun, in the list where it stands: it is mine, and waits for the customer. */
  const begun = useCallback((id: string) => void go({ to: '/inbox/$thread', params: { thread: id }, search: { tab: 'mine', status: 'pending' } as never }), [go])
  const write = useCallback((customer: string) => void go({ to: '/inbox', search: { ...written(filter), write: customer } as never }), [filter, go])
  return { filter, setFilter, thread, entry, open, begun, to, write, me, search: useMemo(() => written(filter), [filter]) }
}

/** Only what is not as usual stands in the address. */
function written(f: Filter): Record<string, unknown> {
  const usual: Record<string, unknown> = { tab: 'all', status: 'open', sort: 'last_activity' }
  return Object.fromEntries(Object.entries(f).filter(([k, v]) => v !== undefined && v !== '' && usual[k] !== v))
}
