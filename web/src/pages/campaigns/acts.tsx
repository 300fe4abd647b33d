import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { confirm } from '../../ui/confirm'
import { useFormat } from '../../ui/format'
import { useTell } from '../../ui/Problem'
import { campaignQuery, type Campaign } from './campaign'

type Verb = 'pause' | 'resume' | 'cancel'

const verbs = {
  pause: (id: string) => need(client.POST('/v1/campaigns/{id}/pause', { params: { path: { id } } })),
  resume: (id: string) => need(client.POST('/v1/campaigns/{id}/resume', { params: { path: { id } } })),
  cancel: (id: string) => need(client.POST('/v1/campaigns/{id}/cancel', { params: { path: { id } } })),
}

/** What can be done to a campaign from the list and from its page. Each says what it did; what hurts asks first. */
export function useActs() {
  const { t } = useTranslation('campaigns')
  const { t: common } = useTranslation()
  const tell = useTell()
  const format = useFormat()
  const queries = useQueryClient()
  const go = useNavigate()
  const changed = () => queries.invalidateQueries({ queryKey: ['campaigns'] })

  const turn = useMutation({
    mutationFn: ({ id, verb }: { id: string; verb: Verb }) => verbs[verb](id),
    onSuccess: (_, { id, verb }) => {
      void queries.invalidateQueries({ queryKey: campaignQuery(id).queryKey }) // events may know more than the answer
      void changed()
      tell.done(t(`did.${verb}`))
    },
    onError: tell.failed,
  })
  const copy = useMutation({
    mutationFn: (id: string) => need(client.POST('/v1/campaigns/{id}/duplicate', { params: { path: { id } }, body: {} })),
    onSuccess: async (made) => {
      void changed()
      await go({ to: '/campaigns/$id/edit', params: { id: made.id } })
      tell.done(t('did.duplicate'))
    },
    onError: tell.failed,
  })
  const drop = useMutation({
    mutationFn: (id: string) => need(client.DELETE('/v1/campaigns/{id}', { params: { path: { id } } })),
    onSuccess: async (_, id) => {
      await go({ to: '/campaigns', search: (s) => s })
      queries.removeQueries({ queryKey: campaignQuery(id).queryKey })
      void changed()
      tell.done(t('did.delete'))
    },
    onError: tell.failed,
  })

  return {
    busy: turn.isPending || copy.isPending || drop.isPending,
    pause: (c: Campaign) => confirm({ title: t('ask.pause.title', { name: c.name }), about: t(c.status === 'scheduled' ? 'ask.pause.aboutScheduled' : 'ask.pause.about'), act: t('act.pause'), danger: false, onYes: () => turn.mutate({ id: c.id, verb: 'pause' }) }),
    resume: (c: Campaign) => confirm({ title: t('ask.resume.title', { name: c.name }), about: c.send_at && Date.parse(c.send_at) > Date.now() ? t('ask.resume.aboutScheduled', { at: format.full(c.send_at) }) : t('ask.resume.about', { count: c.counts?.pending ?? 0 }), act: t('act.resume'), danger: false, onYes: () => turn.mutate({ id: c.id, verb: 'resume' }) }),
    cancel: (c: Campaign) => confirm({ title: t('ask.cancel.title', { name: c.name }), about: t('ask.cancel.about', { count: c.counts?.pending ?? 0 }), act: t('act.cancel'), keep: t('ask.cancel.keep'), onYes: () => turn.mutate({ id: c.id, verb: 'cancel' }) }),
    duplicate: (c: Campaign) => copy.mutate(c.id),
    drop: (c: Campaign) => confirm({ title: t('ask.delete.title', { name: c.name || t('untitled') }), about: t('ask.delete.about'), act: common('delete'), onYes: () => drop.mutate(c.id) }),
  }
}

/** What a status allows. */
export const may = {
  pause: (s: string) => s === 'running' || s === 'planning' || s === 'scheduled',
  resume: (s: string) => s === 'paused',
  cancel: (s: string) => s === 'running' || s === 'planning' || s === 'scheduled' || s === 'paused' || s === 'quarantined',
}
