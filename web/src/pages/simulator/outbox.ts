import { useQuery, useQueryClient } from '@tanstack/react-query'
import { client, type Schemas } from '../../api/client'
import { useEvents } from '../../api/events'
import { need } from '../../api/pages'

export type Got = Schemas['Outbox']

// What the sandbox takes is no event of the stream; a person who looks at a phone is few enough to ask.
const glance = 1_500

/** What a customer got at one address, oldest first. */
export function useGot(channel: Schemas['Address']['channel'], address: string | undefined) {
  return useQuery({
    queryKey: ['simulator', 'outbox', channel, address],
    enabled: address !== undefined,
    refetchInterval: glance,
    queryFn: async () => (await need(client.GET('/v1/sandbox/outbox', { params: { query: { channel: channel as 'sms', address: address!, limit: 100 } } }))).data.toReversed(),
  })
}

/** The one of a customer's chats in which something came last; once found it stays, so that no chat goes from under one's eyes. */
export function useLatestChat<C extends 'telegram' | 'whatsapp' | 'sms'>(customer: Schemas['Customer'], chats: C[]): { latest: C | undefined; pending: boolean } {
  const found = useQuery({
    queryKey: ['simulated', 'chat', customer.id],
    enabled: chats.length > 1,
    staleTime: Infinity,
    gcTime: 0,
    queryFn: async () => {
      const last = await Promise.all(
        chats.map(async (channel) => {
          const address = customer.addresses.find((a) => a.channel === channel)!.address
          return { channel, at: (await need(client.GET('/v1/sandbox/outbox', { params: { query: { channel, address, limit: 1 } } }))).data[0]?.at ?? '' }
        }),
      )
      return last.reduce((a, b) => (b.at > a.at ? b : a)).channel
    },
  })
  return { latest: found.data, pending: chats.length > 1 && found.isPending }
}

export type Said = { id: string; at: string; channel: string; text: string; files: string[] }

/** What the customer wrote, oldest first, and which files came with our answers: what the sandbox took has only their names. */
export function useSaid(customer: string) {
  const queries = useQueryClient()
  const key = ['simulator', 'said', customer]
  useEvents((e) => {
    if (e.data.customer === customer && e.type === 'entry.created') void queries.invalidateQueries({ queryKey: key })
  })
  return useQuery({
    queryKey: key,
    refetchInterval: 4 * glance,
    queryFn: async (): Promise<{ said: Said[]; files: Record<string, string[]> }> => {
      const page = await need(client.GET('/v1/customers/{id}/timeline', { params: { path: { id: customer }, query: { limit: 200, kinds: 'entry' } } }))
      const entries = (page as Schemas['ListHappening']).data.flatMap((h) => (h.entry ? [{ ...h.entry, at: h.at }] : [])) // not the CSV that it can be, too
      return {
        said: entries.flatMap((e) => (e.kind === 'inbound' ? [{ id: e.id, at: e.at, channel: e.channel ?? '', text: e.text ?? '', files: e.attachments ?? [] }] : [])).toReversed(),
        files: Object.fromEntries(entries.flatMap((e) => (e.kind === 'outbound' && e.message && e.attachments?.length ? [[e.message, e.attachments]] : []))),
      }
    },
  })
}
