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

export type Said = { id: string; at: string; channel: string; text: string }

/** What the customer wrote, oldest first. */
export function useSaid(customer: string) {
  const queries = useQueryClient()
  const key = ['simulator', 'said', customer]
  useEvents((e) => {
    if (e.data.customer === customer && e.type === 'entry.created') void queries.invalidateQueries({ queryKey: key })
  })
  return useQuery({
    queryKey: key,
    queryFn: async (): Promise<Said[]> => {
      const page = await need(client.GET('/v1/customers/{id}/timeline', { params: { path: { id: customer }, query: { limit: 200, kinds: 'entry' } } }))
      return (page as Schemas['ListHappening']).data // not the CSV that it can be, too
        .flatMap((h) => (h.entry?.kind === 'inbound' ? [{ id: h.entry.id, at: h.at, channel: h.entry.channel ?? '', text: h.entry.text ?? '' }] : []))
        .toReversed()
    },
  })
}
