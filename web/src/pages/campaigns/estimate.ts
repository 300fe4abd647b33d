import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'

export type Estimate = Schemas['DryRun']

/** What the draft would do, asked anew with each version that was saved; the last answer stays until the next is there. */
export function useEstimate(id: string | undefined, version: number, enabled: boolean) {
  return useQuery({
    queryKey: ['campaign', id, 'estimate', version],
    queryFn: ({ signal }) => need(client.POST('/v1/campaigns/{id}/estimate', { params: { path: { id: id! } }, signal })),
    enabled: enabled && id !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 0, // others may change the customers meanwhile; the last look before a launch is a fresh one
    refetchOnWindowFocus: false,
  })
}

export function willSend(e: Estimate): number {
  return Object.values(e.channels).reduce((a, b) => a + b, 0)
}

export function willSkip(e: Estimate): number {
  return Object.values(e.skipped).reduce((a, b) => a + b, 0)
}
