import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useTell } from '../../ui/Problem'
import type { Status } from './filter'
import { usePaint, type Row, type Thread } from './threads'

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
      if (what.labels) void queries.invalidateQueries({ queryKey: ['labels'] }) // one may be new
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

  /** Changes many, a hundred or two a request. Returns those that refused; the others can be taken back together. */
  const bulk = async (rows: Row[], what: Schemas['BulkChange'], undoing = false): Promise<string[]> => {
    const { labels_add, labels_remove, read, ...plain } = what // labels are painted by the answer
    const ids = rows.map((r) => r.id)
    const back = paint(ids, { ...plain, ...(read === undefined ? {} : { unread: !read }) } as Partial<Thread>)
    try {
      const refused: Schemas['ThreadOutcome'][] = []
      for (let i = 0; i < ids.length; i += 200) refused.push(...(await need(client.POST('/v1/threads/bulk', { body: { threads: ids.slice(i, i + 200), change: what } }))).outcomes.filter((o) => o.error))
      const not = new Set(refused.map((o) => o.id))
      const changed = rows.filter((r) => !not.has(r.id))
      const undo = async () => {
        for (const [back, of] of inverse(changed, what)) await bulk(of, back, true)
      }
      if (refused.length > 0) tell.failed({ title: t('bulk.refused', { count: refused.length }), status: 409, detail: `${t('bulk.refused', { count: refused.length })} ${refused[0]!.detail ?? ''}` })
      if (changed.length > 0 && !undoing) tell.done(t('bulk.done', { count: changed.length }), () => void undo())
      return [...not]
    } catch (e) {
      back()
      tell.failed(e)
      return ids
    } finally {
      void queries.invalidateQueries({ queryKey: ['threads'] })
      if (labels_add || labels_remove) void queries.invalidateQueries({ queryKey: ['labels'] })
      for (const id of ids) void queries.invalidateQueries({ queryKey: ['thread', id] })
    }
  }

  return { change, move, bulk }
}

/** What makes threads as they were, by change: those that were alike go together, and a label goes only where it was not. */
export function inverse(rows: Row[], what: Schemas['BulkChange']): [Schemas['BulkChange'], Row[]][] {
  const by = new Map<string, Row[]>()
  const has = (r: Row, l: string) => r.labels.some((x) => x.toLowerCase() === l.toLowerCase())
  for (const r of rows) {
    const add = (what.labels_remove ?? []).filter((l) => has(r, l))
    const remove = (what.labels_add ?? []).filter((l) => !has(r, l))
    const back: Schemas['BulkChange'] = {
      ...(what.status ? { status: r.status, ...(r.status === 'snoozed' && r.snoozed_until ? { snoozed_until: r.snoozed_until } : {}) } : {}),
      ...(what.assignee === undefined ? {} : { assignee: r.assignee ?? '' }),
      ...(what.priority ? { priority: r.priority } : {}),
      ...(what.read === undefined ? {} : { read: !r.unread }),
      ...(add.length ? { labels_add: add } : {}),
      ...(remove.length ? { labels_remove: remove } : {}),
    }
    const key = JSON.stringify(back)
    if (key !== '{}') by.set(key, [...(by.get(key) ?? []), r])
  }
  return [...by].map(([key, of]) => [JSON.parse(key) as Schemas['BulkChange'], of])
}

/** Times that one snoozes until. */
export function snoozes(now = new Date()): { word: 'hour' | 'evening' | 'tomorrow' | 'monday'; at: Date }[] {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour)
  const evening = at(0, 18)
  return [
    { word: 'hour', at: new Date(now.getTime() + 3_600_000) },
    ...(evening.getTime() - now.getTime() > 3_600_000 ? [{ word: 'evening' as const, at: evening }] : []),
    ...(now.getDay() === 0 ? [] : [{ word: 'tomorrow' as const, at: at(1, 9) }]), // on Sunday that is Monday
    { word: 'monday', at: at(((8 - now.getDay()) % 7) || 7, 9) },
  ]
}
