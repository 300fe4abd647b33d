import { useQuery, useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { $api, type Schemas } from '../../api/client'
import { useEvents, type Told } from '../../api/events'

export type Campaign = Schemas['Campaign']
export type Counts = Schemas['Counts']

export const campaignQuery = (id: string) => $api.queryOptions('get', '/v1/campaigns/{id}', { params: { path: { id } } })

/** One campaign with its ledger; whoever shows it hears of its progress. */
export function useCampaign(id: string) {
  // An answer that was on its way while an event came may be older than the event: what moves is asked again now and then.
  return useQuery({ ...campaignQuery(id), refetchInterval: (q) => (q.state.data && stirs(q.state.data) ? 4_000 : false) })
}

/** Keeps every campaign on the screen as true as the event stream: counts each second, the rest when it changes. */
export function useLiveCampaigns(also?: (e: Told) => void) {
  const queries = useQueryClient()
  useEvents((e) => {
    also?.(e)
    if (!e.data.campaign) return
    if (e.type === 'campaign.progress') patch(queries, e.data.campaign, e.data as { status?: string; counts?: Counts })
    if (e.type === 'campaign.launched' || e.type === 'campaign.finished') {
      void queries.invalidateQueries({ queryKey: campaignQuery(e.data.campaign).queryKey })
      void queries.invalidateQueries({ queryKey: ['campaigns'] })
    }
    if (e.type === 'reply.received') {
      void queries.invalidateQueries({ queryKey: campaignQuery(e.data.campaign).queryKey })
      void queries.invalidateQueries({ queryKey: ['campaigns'] }, { cancelRefetch: false })
    }
  })
}

type Lists = InfiniteData<Schemas['ListCampaign']>

function patch(queries: QueryClient, id: string, news: { status?: string; counts?: Counts }) {
  const now = (was: Campaign): Campaign => ({ ...was, status: (news.status as Campaign['status']) ?? was.status, counts: news.counts ?? was.counts })
  const key = campaignQuery(id).queryKey
  const was = queries.getQueryData<Campaign>(key)
  if (was) {
    queries.setQueryData(key, now(was))
    if (stirs(was) && !stirs(now(was))) void queries.invalidateQueries({ queryKey: key }) // the event has no costs
  }
  const shown = (was: Lists | undefined) => was?.pages?.some((p) => p.data.some((c) => c.id === id))
  queries.setQueriesData({ queryKey: ['campaigns'] }, (was: Lists | undefined) => (shown(was) ? { ...was!, pages: was!.pages.map((p) => ({ ...p, data: p.data.map((c) => (c.id === id ? now(c) : c)) })) } : was))
}

/** How many are at an end: nothing more is done for them. */
export function settled(c: Counts): number {
  return c.sent + c.delivered + c.skipped + c.failed + c.expired + c.cancelled + c.unknown
}

/** How many were handed over to a provider for good. */
export function reached(c: Counts): number {
  return c.sent + c.delivered
}

/** Whether things still move by themselves. */
export function moving(status: string): boolean {
  return status === 'planning' || status === 'running' || status === 'accepting'
}

/** Whether its numbers still change: what was on its way when it was paused or cancelled comes to an end of its own. */
export function stirs(c: Campaign): boolean {
  const n = c.counts
  return moving(c.status) || (!!n && (n.sending + n.doubtful > 0 || (c.status === 'cancelled' && n.pending > 0)))
}

/** Whether it is over. */
export function over(status: string): boolean {
  return status === 'finished' || status === 'cancelled'
}

/** Since when it goes out: a scheduled one is launched long before. */
export function begins(c: Campaign): string | undefined {
  return c.send_at && c.launched_at && c.send_at > c.launched_at ? c.send_at : c.launched_at
}
