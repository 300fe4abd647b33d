import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { problemOf } from '../../api/problem'
import type { Preview, Source, Variant } from './source'

type Asked = { source: Source; variant: Variant | undefined; customer: string; data: Record<string, unknown> }

/** The variant as the engine that sends renders it for somebody, a moment after the last key: the last page that was right, and what is wrong now. */
export function usePreview(template: string, { source, variant, customer, data }: Asked) {
  const now = { source, channel: variant?.channel as 'email' | undefined, locale: variant?.locale ?? '', customer, data }
  const good = useRef<Preview>(undefined)
  const [asked] = useDebouncedValue(now, 350)
  return useQuery({
    queryKey: ['preview', template, asked],
    queryFn: async ({ signal }) => {
      const body = { channel: asked.channel!, locale: asked.locale || undefined, customer: asked.customer || undefined, data: asked.data, source: asked.source }
      try {
        good.current = await need(client.POST('/v1/templates/{key}/preview', { params: { path: { key: template } }, body, signal }))
        return { page: good.current, refused: undefined }
      } catch (e) {
        // Half a word is a mistake most of the time: what was right stays, so that nothing jumps while one writes.
        if (problemOf(e).status !== 422) throw e
        return { page: good.current, refused: problemOf(e) }
      }
    },
    enabled: asked.channel !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 60_000,
  })
}
