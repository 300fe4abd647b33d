import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client } from '../../api/client'
import { useEvents } from '../../api/events'
import { need } from '../../api/pages'
import { useCan, useSession } from '../../api/session'
import { Loading } from '../../ui/Loading'
import { useTitle } from '../../ui/Page'
import { ProblemAlert } from '../../ui/Problem'
import { Colleagues } from './Colleagues'
import { Composer, type ComposerHandle } from './Composer'
import type { Writing } from './draft'
import { useEntries, type Entry } from './entries'
import { Header, type Picker } from './Header'
import { unseen, useOutbox } from './outbox'
import { ParcelView } from './ParcelView'
import { useThread, type Thread } from './threads'
import { Timeline } from './Timeline'
import classes from './Thread.module.css'

export type ThreadHandle = { write: (kind: Writing['kind']) => void; attach: () => void; thread?: Thread }

type Props = {
  id: string
  wanted?: string
  back: () => void
  panel: { open: boolean; toggle: () => void }
  resolve: (t: Thread) => void
  picker?: Picker
  setPicker: (p?: Picker) => void
  handle: Ref<ThreadHandle>
}

/** How long a thread is looked at before it counts as read. */
const readAfter = 1_200

export function ThreadPane({ id, wanted, back, panel, resolve, picker, setPicker, handle }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const { agent } = useSession()
  const query = useThread(id)
  const thread = query.data
  const queries = useQueryClient()
  const entries = useEntries(id)
  const customer = $api.useQuery('get', '/v1/customers/{id}', { params: { path: { id: thread?.customer ?? '' } } }, { enabled: !!thread && can('read:customers') })
  const { parcels } = useOutbox()
  const writer = useRef<ComposerHandle>(null)
  const name = customer.data?.name || customer.data?.addresses[0]?.address || (customer.isPending && !!thread && can('read:customers') ? undefined : '')
  useTitle(name || t('title'))

  useEvents((e) => {
    if (e.type.startsWith('customer.') && e.data.customer === thread?.customer) void queries.invalidateQueries({ queryKey: ['get', '/v1/customers/{id}'] })
  })

  useImperativeHandle(handle, () => ({ write: (kind) => writer.current?.focus(kind), attach: () => writer.current?.attach(), thread }), [thread])

  // What was unread when it was opened; the divider needs it after it counts as read.
  const [since, setSince] = useState<{ at?: string }>()
  if (thread && since === undefined) setSince({ at: thread.unread ? (thread.waiting_since ?? thread.last_entry_at) : undefined })

  const unread = thread?.unread
  useEffect(() => {
    if (!unread || !can('write:threads')) return
    const timer = setTimeout(() => {
      if (document.visibilityState === 'visible') void need(client.PATCH('/v1/threads/{id}', { params: { path: { id } }, body: { unread: false } })).then((now) => queries.setQueryData<Thread>(['thread', id], (was) => ({ ...was, ...now })), () => {})
    }, readAfter)
    return () => clearTimeout(timer)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- can is written in place and always the same
  }, [id, unread, queries])

  const giveBack = (e: Entry) => writer.current?.put({ kind: 'reply', text: e.text, ...(e.attachments?.length ? { attachments: e.attachments } : {}) })

  if (query.error && !thread)
    return (
      <div className={classes.wait}>
        <ProblemAlert error={query.error} retry={() => void query.refetch()} />
      </div>
    )
  if (!thread)
    return (
      <div className={classes.wait}>
        <Loading rows={5} height={64} />
      </div>
    )
  return (
    <section className={classes.thread} aria-label={t('thread.label', { name: name ?? '' })}>
      <Header thread={thread} name={name} back={back} panel={panel} resolve={() => resolve(thread)} picker={picker} setPicker={setPicker} />
      {since && (
        <Timeline entries={entries} name={name ?? ''} unreadSince={since.at} wanted={wanted} giveBack={giveBack}>
          {unseen(
            parcels.filter((p) => p.thread === thread.id),
            entries.rows,
            agent.name,
          ).map((p) => (
              <ParcelView key={p.key} parcel={p} edit={(x) => writer.current?.put({ kind: x.kind, text: x.body.text ?? '', ...(x.kind === 'reply' && x.body.attachments ? { attachments: x.body.attachments } : {}) })} />
          ))}
        </Timeline>
      )}
      <Colleagues thread={thread.id} />
      {can('write:threads') ? <Composer thread={thread} rows={entries.rows} handle={writer} /> : <p className={classes.readOnly}>{t('thread.readOnly')}</p>}
    </section>
  )
}
