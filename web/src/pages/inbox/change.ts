import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, } from '../../api/pages'
import { useTell } from '../../ui/Problem'
import type { Status } from './filter'
import { usePaint, type Thread } from './threads'

/** Changes of threads: shown at once, taken back when the server refuses, and undone by a click where they hide a thread. */
export function useChange() {
  const { t } = useTranslation('inbox')
  const queries = useQueryClient()
  const paint = usePaint()
  const tell = useTell()

  const change = async (thread: Thread, what: Schemas['ThreadChange']): Promise<boolean> => {
    const back = paint([thread.id], what as Partial<Thread>)
    try {
      const now = await need(client.PATCH('/v1/threads/{id}', { params: { path: { id: thread.id } }, body: what }))
      queries.setQueryData<Thread>(['thread', thread.id], (was) => ({ ...was, ...now }))
      void queries.invalidateQueries({ queryKey: ['threads', 'counts'] })
      return true
    } catch (e) {
      back()
      tell.failed(e)
      return false
    }
  }

  const move = async (thread: Thread, status: Status, until?: string) => {
    const was = { status: thread.status, snoozed_until: thread.status === 'snoozed' ? thread.snoozed_until : undefined }
    if (!(await change(thread, { status, snoozed_until: until }))) return
    if (status !== 'open') tell.done(t(`moved.${status}`), () => void change(thread, was))
  }

  const bulk = async (ids: string[], what: Schemas['BulkChange']): Promise<string[]> => {
    const { labels_add, labels_remove, read, ...plain } = what
    void labels_add
    void labels_remove
    const back = paint(ids, { ...plain, ...(read === undefined ? {} : { unread: !read }) } as Partial<Thread>)
    try {
      const out = await need(client.POST('/v1/threads/bulk', { body: { threads: ids, change: what } }))
      const refused = out.outcomes.filter((o) => o.error)
      if (refused.length > 0) tell.failed({ title: t('bulk.refused', { count: refused.length }), status: 409, detail: `${t('bulk.refused', { count: refused.length })} ${refused[0]!.detail ?? ''}` })
      else tell.done(t('bulk.done', { count: out.changed }))
      void queries.invalidateQueries({ queryKey: ['threads'] })
      for (const id of ids) void queries.invalidateQueries({ queryKey: ['thread', id] })
      return refused.map((o) => o.id)
    } catch (e) {
      back()
      tell.failed(e)
      return ids
    }
  }

  return { change, move, bulk }
}

/** Times that one snoozes until. */
export function snoozes(now = new Date()): { word: 'hour' | 'evening' | 'tomorrow' | 'monday'; at: Date }[] {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour)
  const evening = at(0, 18)
  return [
    { word: 'hour', at: new Date(now.getTime() + 3_600_000) },
    ...(evening.getTime() - now.getTime() > 3_600_000 ? [{ word: 'evening' as const, at: evening }] : []),
    { word: 'tomorrow', at: at(1, 9) },
    { word: 'monday', at: at(((8 - now.getDay()) % 7) || 7, 9) },
  ]
}
