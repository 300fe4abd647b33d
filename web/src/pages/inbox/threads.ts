import { useQuery, useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import { client, type Schemas } from '../../api/client'
import { useEvents } from '../../api/events'
import { need, usePages } from '../../api/pages'
import { countQuery, fits, listQuery, type Filter } from './filter'

export type Row = Schemas['ThreadRow']
export type Thread = Schemas['Thread']
type Pages = InfiniteData<{ data: Row[]; next_cursor: string | null }, string | undefined>

const pageSize = 50

const fetchRows = (f: Filter, me: string, cursor?: string, signal?: AbortSignal) => need(client.GET('/v1/threads', { params: { query: { ...listQuery(f, me), limit: pageSize, cursor } }, signal }))

/**
 * The list for a filter. What happens is patched into it: the first page is asked for anew and laid over the old rows, and
 * changed threads further down are asked for one by one. So nobody who has scrolled is thrown back to the top, and the one
 * that is open stays on the list until one leaves it, though an answer may have made it pending.
 */
export function useThreads(f: Filter, me: string, opened?: string) {
  const queries = useQueryClient()
  const key = useMemo(() => ['threads', 'list', listQuery(f, me)] as const, [f, me])
  const pages = usePages<Row>(key, (cursor, signal) => fetchRows(f, me, cursor, signal))
  const changed = useRef(new Set<string>())
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const keep = useRef(opened)
  useEffect(() => {
    keep.current = opened
  }, [opened])

  const patch = useCallback(async () => {
    const ids = [...changed.current]
    changed.current.clear()
    const old = queries.getQueryData<Pages>(key)
    if (!old) return
    try {
      const fresh = await fetchRows(f, me)
      const there = new Set(fresh.data.map((r) => r.id))
      const deeper = ids.filter((id) => !there.has(id) && old.pages.some((p) => p.data.some((r) => r.id === id))).slice(0, 20)
      const now = new Map(
        await Promise.all(deeper.map(async (id) => [id, await need(client.GET('/v1/threads/{id}', { params: { path: { id } } })).catch(() => undefined)] as const)),
      )
      queries.setQueryData<Pages>(key, (was) => was && overlay(was, fresh, now, (t) => t.id === keep.current || fits(t, f, me)))
    } catch {
      void queries.invalidateQueries({ queryKey: key })
    }
  }, [f, key, me, queries])

  useEvents((e) => {
    const id = e.data.thread
    if (!id || !(e.type.startsWith('thread.') || e.type === 'entry.created' || e.type === 'reply.received')) return
    changed.current.add(id)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => void patch(), 200)
  })
  useEffect(() => () => clearTimeout(timer.current), [])
  return pages
}

/** Lays a fresh first page over what is shown. */
export function overlay(was: Pages, fresh: { data: Row[]; next_cursor: string | null }, changed: Map<string, Thread | undefined>, fitting: (t: Thread) => boolean): Pages {
  const there = new Set(fresh.data.map((r) => r.id))
  const rest = (rows: Row[]) =>
    rows.flatMap((r) => {
      if (there.has(r.id)) return []
      if (!changed.has(r.id)) return [r]
      const t = changed.get(r.id)
      // What a thread has no more is not in it.
      return t && fitting(t) ? [{ ...r, waiting_since: undefined, snoozed_until: undefined, assignee: undefined, ...t }] : []
    })
  if (fresh.next_cursor === null || was.pages.length === 0) {
    // The server has told all there is. Only what was looked up and is kept on purpose stands beside it, where it stood.
    const data = [...fresh.data]
    was.pages.flatMap((p) => p.data).forEach((r, i) => changed.has(r.id) && rest([r]).forEach((kept) => data.splice(i, 0, kept)))
    return { pageParams: [undefined], pages: [{ data, next_cursor: null }] }
  }
  return {
    pageParams: was.pageParams,
    pages: was.pages.map((p, i) => (i === 0 ? { data: [...fresh.data, ...rest(p.data)], next_cursor: p.next_cursor ?? fresh.next_cursor } : { ...p, data: rest(p.data) })),
  }
}

/** Shows a change of a thread wherever it is shown, before the server has said yes. Returns the way back. */
export function usePaint() {
  const queries = useQueryClient()
  return useCallback(
    (ids: string[], change: Partial<Thread>) => {
      const all = new Set(ids)
      const before = [...queries.getQueriesData({ queryKey: ['threads', 'list'] }), ...ids.map((id) => [['thread', id], queries.getQueryData(['thread', id])] as const)]
      queries.setQueriesData<Pages>({ queryKey: ['threads', 'list'] }, (was) => was && { ...was, pages: was.pages.map((p) => (p.data.some((r) => all.has(r.id)) ? { ...p, data: p.data.map((r) => (all.has(r.id) ? { ...r, ...change } : r)) } : p)) })
      for (const id of ids) queries.setQueryData<Thread>(['thread', id], (t) => t && { ...t, ...change })
      return () => before.forEach(([key, data]) => queries.setQueryData(key as readonly unknown[], data))
    },
    [queries],
  )
}

/** Marks on the list that an agent has begun to write, or has not: no event tells of drafts. */
export function markDraft(queries: QueryClient, id: string, agent: string, on: boolean) {
  const mark = (r: Row): Row => ({ ...r, drafts: on ? [...new Set([...r.drafts, agent])] : r.drafts.filter((d) => d.toLowerCase() !== agent.toLowerCase()) })
  queries.setQueriesData<Pages>({ queryKey: ['threads', 'list'] }, (was) => was && { ...was, pages: was.pages.map((p) => (p.data.some((r) => r.id === id) ? { ...p, data: p.data.map((r) => (r.id === id ? mark(r) : r)) } : p)) })
}

export function useCounts(f: Filter) {
  return useQuery({ queryKey: ['threads', 'counts', countQuery(f)], queryFn: () => need(client.GET('/v1/threads/counts', { params: { query: countQuery(f) } })), placeholderData: (was) => was })
}

export const threadQuery = (id: string) => ({ queryKey: ['thread', id], queryFn: () => need(client.GET('/v1/threads/{id}', { params: { path: { id } } })) })

/** One thread, kept true by what happens. */
export function useThread(id: string) {
  const queries = useQueryClient()
  const query = useQuery(threadQuery(id))
  const own = query.data?.id ?? id
  useEvents((e) => {
    if (e.data.thread === id || e.data.thread === own) void queries.invalidateQueries({ queryKey: ['thread', id] })
  })
  return query
}
