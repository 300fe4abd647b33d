import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'

type Page<T> = { data: T[]; next_cursor: string | null }

/**
 * A list of the API as one array that grows: `usePages(['threads', filter], (cursor) => get('/v1/threads', {query: {...filter, cursor}}))`.
 * What arrived on two pages, because the list moved between them, is kept once.
 */
export function usePages<T extends object>(key: readonly unknown[], fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>, options: { enabled?: boolean; idOf?: (row: T) => string } = {}) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    enabled: options.enabled,
  })
  const idOf = options.idOf ?? ((row: T) => ('id' in row ? String(row.id) : JSON.stringify(row)))
  const rows = useMemo(() => {
    const once = new Map<string, T>()
    for (const page of query.data?.pages ?? []) for (const row of page.data) if (!once.has(idOf(row))) once.set(idOf(row), row)
    return [...once.values()]
    // eslint-disable-next-line react-hooks/exhaustive-deps -- idOf is written in place and always the same
  }, [query.data])
  return { ...query, rows, more: { has: query.hasNextPage, busy: query.isFetchingNextPage, failed: query.isFetchNextPageError, load: () => void query.fetchNextPage({ cancelRefetch: false }) /* a list near its end asks at each drawing: what is on its way must not begin anew */ } }
}

/** The body of an answer, or its problem thrown: openapi-fetch hands back both. */
export async function need<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked
  if (!response.ok) throw typeof error === 'object' && error !== null ? { ...error, retryAfter: Number(response.headers.get('Retry-After')) || undefined } : { title: response.statusText, status: response.status }
  return data as T
}
