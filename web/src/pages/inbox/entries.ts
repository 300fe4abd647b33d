import { useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import { client, type Schemas } from '../../api/client'
import { useEvents } from '../../api/events'
import { need } from '../../api/pages'

export type Entry = Schemas['Entry']
type Page = { data: Entry[]; next_cursor: string | null }
type Pages = InfiniteData<Page, string | undefined>

const size = 40
const fetchPage = (thread: string, cursor?: string, signal?: AbortSignal) => need(client.GET('/v1/threads/{id}/entries', { params: { path: { id: thread }, query: { order: 'desc', limit: size, cursor } }, signal }))

/** States in which a message of ours is still on its way; nothing tells of the next one, so it is asked for. */
const moving = new Set(['pending', 'sending', 'scheduled', 'doubtful'])

/** The entries of a thread, the oldest that is loaded first; `older` loads what was before. */
export function useEntries(thread: string) {
  const queries = useQueryClient()
  const key = useMemo(() => ['entries', thread] as const, [thread])
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(thread, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    staleTime: Infinity, // refreshed below, without what is above being asked for again
  })

  const busy = useRef(false)
  const again = useRef(false)
  const refresh = useCallback(async () => {
    if (busy.current) return void (again.current = true)
    busy.current = true
    try {
      do {
        again.current = false
        const fresh = await fetchPage(thread)
        queries.setQueryData<Pages>(key, (was) => was && overlay(was, fresh))
      } while (again.current)
    } catch {
      // the next event, or the next look, asks again
    } finally {
      busy.current = false
    }
  }, [key, queries, thread])

  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEvents((e) => {
    if (e.type === 'gap') return void queries.invalidateQueries({ queryKey: key })
    if (e.data.thread !== thread) return
    clearTimeout(timer.current)
    timer.current = setTimeout(() => void refresh(), 60)
  })
  useEffect(() => () => clearTimeout(timer.current), [thread])
  // What was shown before may be old; it is shown at once, and mended.
  useEffect(() => {
    if (queries.getQueryState(key)?.status === 'success') void refresh()
  }, [key, queries, refresh])

  const rows = useMemo(() => {
    const out: Entry[] = []
    for (const page of [...(query.data?.pages ?? [])].reverse()) for (let i = page.data.length - 1; i >= 0; i--) out.push(page.data[i]!)
    return out
  }, [query.data])

  const pace = paceOf(rows)
  useEffect(() => {
    if (!pace) return
    const beat = setInterval(() => document.visibilityState === 'visible' && void refresh(), pace)
    return () => clearInterval(beat)
  }, [pace, refresh])

  return { rows, refresh, error: query.error, isPending: query.isPending, refetch: query.refetch, older: { has: query.hasNextPage, busy: query.isFetchingNextPage, failed: query.isFetchNextPageError, load: () => query.fetchNextPage({ cancelRefetch: false }) } }
}

/** How often to look, in milliseconds; 0: nothing is under way. */
function paceOf(rows: Entry[]): number {
  let pace = 0
  for (const e of rows.slice(-size)) {
    if (e.kind !== 'outbound' || !e.state) continue
    const age = Date.now() - Date.parse(e.created_at)
    if (e.due_at && Date.parse(e.due_at) - Date.now() > 120_000) pace ||= 30_000
    else if (moving.has(e.state)) return 1_500
    else if (e.state === 'sent' && age < 600_000) pace ||= 8_000
  }
  return pace
}

/** Lays the newest entries over what is shown. Within their reach they are the whole truth: what is not there was moved away. */
export function overlay(was: Pages, fresh: Page): Pages {
  const oldest = fresh.data.at(-1)?.id
  const meets = oldest !== undefined && was.pages.some((p) => p.data.some((e) => e.id === oldest || e.id < oldest))
  if (fresh.next_cursor === null || !meets) return { pageParams: [undefined], pages: [fresh] }
  return {
    pageParams: was.pageParams,
    pages: was.pages.map((p, i) => (i === 0 ? { data: [...fresh.data, ...p.data.filter((e) => e.id < oldest)], next_cursor: p.next_cursor } : { ...p, data: p.data.filter((e) => e.id < oldest) })),
  }
}
