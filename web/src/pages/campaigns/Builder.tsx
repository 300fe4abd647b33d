import { Button, Text } from '@mantine/core'
import { IconRocket } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, useNavigate, useParams } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { Page } from '../../ui/Page'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { fieldErrors } from '../../api/problem'
import { AudienceStep, type Making, type Wish } from './AudienceStep'
import { About } from './AboutStep'
import classes from './Builder.module.css'
import { campaignQuery, useCampaign, type Campaign } from './campaign'
import { ChannelsStep } from './ChannelsStep'
import { cleared, draftOf, fresh, specOf, type Draft } from './draft'
import { DraftView } from './DraftView'
import { DryRun } from './DryRun'
import { Launch } from './Launch'
import { ScheduleStep } from './ScheduleStep'
import { Step } from './Step'
import { TemplateStep } from './TemplateStep'

/** A campaign before it is launched: one page of steps, saved as one goes, with a dry run beside it. */
export function Builder() {
  const { id } = useParams({ strict: false }) as { id?: string }
  const may = useCan()('write:campaigns')
  if (id) return <Existing id={id} may={may} />
  return may ? <Work campaign={undefined} /> : <Navigate to="/campaigns" replace />
}

function Existing({ id, may }: { id: string; may: boolean }) {
  const { t } = useTranslation('campaigns')
  const campaign = useCampaign(id)
  if (campaign.data && campaign.data.status !== 'draft') return <Navigate to="/campaigns/$id" params={{ id }} replace />
  if (campaign.data) return may ? <Work key={id} campaign={campaign.data} /> : <DraftView campaign={campaign.data} />
  return (
    <Page title={t('one')} crumbs={[{ label: t('title'), to: '/campaigns' }]}>
      <Answer of={campaign}>{() => null}</Answer>
    </Page>
  )
}

/** How long typing may pause before it is saved, in ms. */
const pause = 700

function Work({ campaign }: { campaign: Campaign | undefined }) {
  const { t } = useTranslation('campaigns')
  const queries = useQueryClient()
  const go = useNavigate()
  const tell = useTell()
  const [draft, setDraft] = useState<Draft>(() => (campaign ? (queries.getQueryData<Draft>(['campaign', campaign.id, 'typed']) ?? draftOf(campaign)) : fresh))
  const [making, setMaking] = useState<Making>(() => (campaign && queries.getQueryData<Making>(['campaign', campaign.id, 'making'])) || {})
  const [wish, setWish] = useState<Wish | null>(null)
  const [version, setVersion] = useState(0) // rises with what is saved; the dry run is asked anew
  const [asking, setAsking] = useState(false)
  const saved = useRef(campaign ? JSON.stringify(draftOf(campaign)) : '')
  const now = useRef(draft)
  const nowMaking = useRef(making)
  useEffect(() => {
    nowMaking.current = making
  }, [making])
  const id = campaign?.id
  const templates = useQuery({ queryKey: ['templates', 'choice'], queryFn: ({ signal }) => need(client.GET('/v1/templates', { params: { query: { limit: 200 } }, signal })) })
  const topics = useQuery({ queryKey: ['topics', 'choice'], queryFn: ({ signal }) => need(client.GET('/v1/topics', { params: { query: { limit: 200 } }, signal })) })
  const template = templates.data?.data.find((x) => x.key === draft.template)
  const enough = draft.template !== '' && (draft.purpose === 'transactional' || draft.topic !== '' || !!template?.topic)

  const save = useMutation({
    mutationFn: async (d: Draft): Promise<Campaign> => {
      if (id) return need(client.PATCH('/v1/campaigns/{id}', { params: { path: { id } }, body: { ...specOf(d), clear: cleared(d) } }))
      return need(client.POST('/v1/campaigns', { body: { ...specOf(d), status: 'draft' } as Schemas['CampaignInput'] }))
    },
    onSuccess: async (made, d) => {
      saved.current = JSON.stringify(d)
      void queries.invalidateQueries({ queryKey: ['campaigns'] })
      if (id) {
        queries.setQueryData(campaignQuery(made.id).queryKey, made)
        setVersion((v) => v + 1)
        return
      }
      // The list that waits for the draft is added first: then the draft has a page of its own.
      if (wish) await wish.apply(made.id).catch(tell.failed)
      queries.setQueryData(['campaign', made.id, 'typed'], now.current)
      queries.setQueryData(['campaign', made.id, 'making'], wish ? {} : nowMaking.current)
      await queries.fetchQuery({ ...campaignQuery(made.id), staleTime: 0 })
      await go({ to: '/campaigns/$id/edit', params: { id: made.id }, replace: true, resetScroll: false })
    },
  })

  // What was typed while the draft was made has been taken over; from now on the server's word counts.
  useEffect(() => {
    for (const what of ['typed', 'making']) queries.removeQueries({ queryKey: ['campaign', id, what], exact: true })
  }, [queries, id])

  const { mutate, isPending } = save
  useEffect(() => {
    now.current = draft
    if (!enough || isPending || JSON.stringify(draft) === saved.current || (save.error && save.variables === draft)) return
    const timer = setTimeout(() => mutate(draft), id ? pause : 0)
    return () => clearTimeout(timer)
  }, [draft, enough, id, isPending, mutate, save.error, save.variables])

  const change = useCallback((part: Partial<Draft>) => setDraft((d) => ({ ...d, ...part })), [])
  const errors = fieldErrors(save.error)
  const dirty = JSON.stringify(draft) !== saved.current
  const refresh = () => {
    if (!id) return
    void queries.invalidateQueries({ queryKey: campaignQuery(id).queryKey })
    setVersion((v) => v + 1)
  }
  const people = campaign?.everyone || !!campaign?.segment || (campaign?.counts?.audience ?? 0) > 0
  const state = save.isPending ? t('build.saving') : save.error && dirty ? t('build.unsaved') : !enough ? t('build.notYet') : id && !dirty ? t('build.saved') : t('build.saving')
  return (
    <Page
      wide
      title={draft.name || (id ? t('untitled') : t('new'))}
      crumbs={[{ label: t('title'), to: '/campaigns' }]}
      actions={
        <>
          <Text size="sm" c="dimmed" role="status">{state}</Text>
          <Button leftSection={<IconRocket size={16} />} disabled={!id || !people || dirty} title={!people ? t('build.needsAudience') : undefined} onClick={() => setAsking(true)}>{draft.at ? t('launch.schedule') : t('launch.act')}</Button>
        </>
      }
    >
      {campaign && <Launch campaign={campaign} version={version} opened={asking} onClose={() => setAsking(false)} />}
      <div className={classes.columns}>
        <div className={classes.steps}>
          {save.error && Object.keys(errors).length === 0 && <ProblemAlert error={save.error} retry={() => mutate(draft)} />}
          <Step n={1} title={t('step.about')} done={draft.name !== ''}>
            <About draft={draft} change={change} topics={topics.data?.data ?? []} fromTemplate={template?.topic} errors={errors} />
          </Step>
          <Step n={2} title={t('step.audience')} done={people || wish !== null}>
            <AudienceStep campaign={campaign} aim={{ topic: draft.topic || template?.topic, channels: draft.order.filter((x) => !draft.off.includes(x)) }} making={making} onMaking={setMaking} wish={wish} onWish={setWish} onChanged={refresh} />
          </Step>
          <Step n={3} title={t('step.template')} done={draft.template !== ''}>
            <TemplateStep draft={draft} change={change} templates={templates} errors={errors} />
          </Step>
          <Step n={4} title={t('step.channels')} done={enough}>
            <ChannelsStep draft={draft} change={change} />
          </Step>
          <Step n={5} title={t('step.schedule')} done={enough}>
            <ScheduleStep draft={draft} change={change} errors={errors} />
          </Step>
        </div>
        <aside className={classes.aside} aria-label={t('dry.title')}>
          <DryRun id={id} ready={!!id && people} version={version} unsaved={dirty ? save.error : null} />
        </aside>
      </div>
    </Page>
  )
}
