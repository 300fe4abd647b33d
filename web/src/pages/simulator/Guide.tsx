import { ActionIcon, Anchor, Button, Progress, Text } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { useEvents, type Told } from '../../api/events'
import { need } from '../../api/pages'
import { ask, sessionQuery, useCan, useSession } from '../../api/session'
import { useTell } from '../../ui/Problem'
import classes from './Simulator.module.css'

const steps = ['send', 'seen', 'answer', 'reply', 'stop'] as const
type Step = (typeof steps)[number]

/** The first five minutes: what to do next, ticked off by what has really happened. Who closes it has it closed for good. */
export function Guide() {
  const { t } = useTranslation('simulator')
  const { agent } = useSession()
  const can = useCan()
  const queries = useQueryClient()
  const tell = useTell()
  const go = useNavigate()
  const progress = useQuery({ queryKey: ['simulator', 'guide'], queryFn: () => happened(agent.created_at), staleTime: 5_000, refetchInterval: (q) => (q.state.data && steps.every((s) => q.state.data![s]) ? false : 5_000) /* that we have answered is counted a little after the event */ })
  useEvents((e) => {
    if (/^(campaign\.|reply\.|entry\.|thread\.|consent\.)/.test(e.type)) void queries.invalidateQueries({ queryKey: ['simulator', 'guide'] })
  })
  const close = useMutation({
    mutationFn: () => ask('PATCH', '/v1/agents/me', { preferences: { ...agent.preferences, guide: 'done' } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: sessionQuery.queryKey }),
    onError: tell.failed,
  })
  const first = useMutation({
    mutationFn: async ({ name, channel }: { name: string; channel?: string }) => {
      const until = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10)
      return need(client.POST('/v1/campaigns', { body: { name, purpose: 'marketing', template: 'promotion', ...(channel ? { routing: { method: 'fallback', channels: [channel] } } : {}), audience: { everyone: true }, data: { percent: 25, code: 'MOSS25', until, url: 'https://shop.example.com/sale' } } }))
    },
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['simulator'] }),
    onError: tell.failed,
  })
  if (agent.preferences.guide === 'done' || !can('write:campaigns')) return null
  const done = progress.data ?? { send: false, seen: false, answer: false, reply: false, stop: false, campaign: '', thread: '', stopped: '', way: '' }
  const next = steps.find((s) => !done[s])
  return (
    <section className={classes.guide} aria-label={t('guide.title')}>
      <header className={classes.guideHead}>
        <Text fw={600}>{next ? t('guide.title') : t('guide.finished')}</Text>
        <Progress value={(100 * steps.filter((s) => done[s]).length) / steps.length} size="sm" w={120} aria-label={t('guide.progress')} />
        <ActionIcon variant="subtle" color="gray" onClick={() => close.mutate()} aria-label={t('guide.close')}>
          <IconX size={16} />
        </ActionIcon>
      </header>
      <ol className={classes.steps}>
        {steps.map((s) => (
          <li key={s} data-done={done[s] || undefined} aria-current={s === next ? 'step' : undefined}>
            <span className={classes.tick}>{done[s] ? <IconCheck size={14} aria-label={t('guide.done')} /> : steps.indexOf(s) + 1}</span>
            <div>
              <Text size="sm" fw={s === next ? 600 : 500}>
                {t(`guide.${s}.title`)}
              </Text>
              {s === next && (
                <Text size="sm" c="dimmed">
                  {t(`guide.${s}.about`)}{' '}
                  {s === 'reply' && done.thread && (
                    <Anchor component={Link} to={`/inbox/${done.thread}`} underline="always">
                      {t('guide.openThread')}
                    </Anchor>
                  )}
                </Text>
              )}
              {s === 'send' && s === next && (
                <div className={classes.guideActs}>
                  <Button size="xs" loading={first.isPending} onClick={() => first.mutate({ name: t('guide.campaign') })}>
                    {t('guide.sendOne')}
                  </Button>
                  <Button size="xs" variant="subtle" onClick={() => void go({ to: '/campaigns/new' })}>
                    {t('guide.sendOwn')}
                  </Button>
                </div>
              )}
              {s === 'send' && done.campaign && (
                <Anchor size="sm" component={Link} to={`/campaigns/${done.campaign}`}>
                  {t('guide.openCampaign')}
                </Anchor>
              )}
            </div>
          </li>
        ))}
      </ol>
      {!next && (
        <div className={classes.guideActs}>
          <Button size="xs" loading={first.isPending} onClick={() => first.mutate({ name: t('guide.second'), channel: done.way }, { onSuccess: (made) => void go({ to: '/campaigns/$id', params: { id: made.id }, search: { tab: 'why', customer: done.stopped } }) })}>
            {t('guide.sendNext')}
          </Button>
          <Button size="xs" variant="subtle" component={Link} to="/customers/import">
            {t('guide.import')}
          </Button>
        </div>
      )}
    </section>
  )
}

type Progress = Record<Step, boolean> & { campaign: string; thread: string; stopped: string; way: string }

/** What has happened since somebody is here; the demo's own first campaign was before. */
async function happened(since: string): Promise<Progress> {
  const log = await ask<{ data: Told[] }>('GET', '/v1/events/log?limit=1000&types=campaign.*,reply.received,entry.created,consent.updated&after=0')
  // Facts of answers count people alone; our own confirmations stand among the events, too.
  const answers = await need(client.GET('/v1/responses', { params: { query: { from: since, limit: 1 } } }))
  const data = log.data.filter((e) => Date.parse(e.created_at) >= Date.parse(since))
  const first = (type: string, is: (e: Told) => boolean = () => true) => data.find((e) => e.type === type && is(e))
  const arrived = (e: Told) => {
    const counts = (e.data.counts ?? {}) as Record<string, number>
    return (counts.delivered ?? 0) + (counts.sent ?? 0) > 0
  }
  const stop = first('consent.updated', (e) => e.data.granted === false)
  return {
    send: first('campaign.launched') !== undefined,
    seen: (first('campaign.progress', arrived) ?? first('campaign.finished', arrived)) !== undefined,
    answer: first('reply.received') !== undefined,
    reply: answers.data.length > 0,
    stop: stop !== undefined,
    campaign: first('campaign.launched')?.data.campaign ?? '',
    thread: first('reply.received')?.data.thread ?? '',
    stopped: stop?.data.customer ?? '',
    way: typeof stop?.data.channel === 'string' ? stop.data.channel : '',
  }
}
