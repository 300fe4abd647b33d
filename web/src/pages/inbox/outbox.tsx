import { useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { client, type Schemas } from '../../api/client'
import { newKey } from '../../api/key'
import { need } from '../../api/pages'
import { problemOf, type Problem } from '../../api/problem'
import { useSession } from '../../api/session'
import type { Entry } from './entries'

/** What an agent has sent and the server has not yet taken: shown as if it stood in the thread already. */
export type Parcel = {
  /** The Idempotency-Key: it stays the same however often it is tried, so the customer never gets it twice. */
  key: string
  thread: string
  /** The newest entry when it was sent: where it comes to stand is behind that. */
  after: string
  state: 'sending' | 'waiting' | 'failed'
  problem?: Problem
} & ({ kind: 'reply'; body: Schemas['ReplyInput'] } | { kind: 'note'; body: Schemas['NoteInput'] })

export type Letter = Pick<Parcel, 'thread' | 'after'> & ({ kind: 'reply'; body: Schemas['ReplyInput'] } | { kind: 'note'; body: Schemas['NoteInput'] })

type Outbox = {
  parcels: Parcel[]
  /** Sends a letter. Resolves with the entry, or with nothing when the server refused it for good: then the parcel says why. */
  send: (letter: Letter) => Promise<Entry | undefined>
  again: (key: string, force?: boolean) => void
  drop: (key: string) => void
}

const kept = (agent: string) => `rapport-outbox-${agent}`

/** What this window had not got rid of when the page was loaded anew. */
function read(agent: string): Parcel[] {
  try {
    return JSON.parse(sessionStorage.getItem(kept(agent)) ?? '[]') as Parcel[]
  } catch {
    return [] // storage is off, or holds nonsense
  }
}

function keep(agent: string, parcels: Parcel[]) {
  try {
    if (parcels.length > 0) sessionStorage.setItem(kept(agent), JSON.stringify(parcels))
    else sessionStorage.removeItem(kept(agent))
  } catch {
    // storage is off: as long as the page is open
  }
}

const Context = createContext<Outbox | null>(null)

export function OutboxProvider({ children }: { children: ReactNode }) {
  const { agent } = useSession()
  const [parcels, setParcels] = useState(() => read(agent.id))
  const queries = useQueryClient()
  const all = useRef(parcels)
  useEffect(() => {
    all.current = parcels
    keep(agent.id, parcels)
  }, [agent.id, parcels])

  const mark = useCallback((key: string, change: Partial<Parcel>) => setParcels((was) => was.map((p) => (p.key === key ? ({ ...p, ...change } as Parcel) : p))), [])
  const drop = useCallback(
    (key: string) => {
      keep(agent.id, read(agent.id).filter((p) => p.key !== key)) // also when the inbox was left meanwhile: what has arrived is not sent again by who comes back
      setParcels((was) => was.filter((p) => p.key !== key))
    },
    [agent.id],
  )

  const deliver = useCallback(
    async (p: Parcel): Promise<Entry | undefined> => {
      for (let n = 0; ; n++) {
        try {
          const entry = await post(p)
          queries.setQueryData<InfiniteData<{ data: Entry[]; next_cursor: string | null }, string | undefined>>(['entries', p.thread], (was) => was && { ...was, pages: was.pages.map((page, i) => (i === 0 && !page.data.some((e) => e.id === entry.id) ? { ...page, data: [entry, ...page.data] } : page)) })
          drop(p.key)
          return entry
        } catch (e) {
          const problem = problemOf(e)
          // No answer, or one that says later: the same letter with the same key goes out again until it is certain.
          if (problem.status === 0 || problem.status >= 500 || problem.status === 429) {
            mark(p.key, { state: n === 0 ? 'sending' : 'waiting', problem })
            await online(Math.max((problem.retryAfter ?? 0) * 1000, Math.min(15_000, 500 * 2 ** n)))
            continue
          }
          mark(p.key, { state: 'failed', problem })
          return undefined
        }
      }
    },
    [drop, mark, queries],
  )

  // What was on its way goes on, under the same key: it may have arrived.
  const resumed = useRef(false)
  useEffect(() => {
    if (resumed.current) return
    resumed.current = true
    for (const p of all.current) if (p.state !== 'failed') void deliver(p)
  }, [deliver])

  const send = useCallback(
    (letter: Letter) => {
      const p: Parcel = { ...letter, key: newKey(), state: 'sending' }
      setParcels((was) => [...was, p])
      return deliver(p)
    },
    [deliver],
  )

  const again = useCallback(
    (key: string, force?: boolean) => {
      const old = all.current.find((p) => p.key === key)
      if (!old) return
      // A refusal is final for its key; what is sent now is another request.
      const p = { ...old, key: newKey(), state: 'sending', problem: undefined, body: force && old.kind === 'reply' ? { ...old.body, force: true } : old.body } as Parcel
      setParcels((was) => was.map((x) => (x.key === key ? p : x)))
      void deliver(p)
    },
    [deliver],
  )

  const busy = parcels.some((p) => p.state !== 'failed')
  useEffect(() => {
    if (!busy) return
    const ask = (e: BeforeUnloadEvent) => e.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [busy])

  return <Context.Provider value={useMemo(() => ({ parcels, send, again, drop }), [parcels, send, again, drop])}>{children}</Context.Provider>
}

export function useOutbox(): Outbox {
  const outbox = useContext(Context)
  if (!outbox) throw new Error('no outbox')
  return outbox
}

function post(p: Parcel): Promise<Entry> {
  const headers = { 'Idempotency-Key': p.key }
  const path = { id: p.thread }
  return p.kind === 'reply' ? need(client.POST('/v1/threads/{id}/replies', { params: { path, header: headers }, body: p.body })) : need(client.POST('/v1/threads/{id}/notes', { params: { path, header: headers }, body: p.body }))
}

/**
 * The parcels that do not stand in the thread yet. News of an entry may come before the answer to the request that made it,
 * and sometimes instead of it; then the entry is shown and the parcel is not.
 */
export function unseen(parcels: Parcel[], rows: Entry[], me: string): Parcel[] {
  const taken = new Set<string>()
  return parcels.filter((p) => {
    if (p.state === 'failed') return true
    const kind = p.kind === 'note' ? 'note' : 'outbound'
    const here = rows.find((e) => e.id > p.after && e.kind === kind && !taken.has(e.id) && (e.author ?? '').toLowerCase() === me.toLowerCase() && e.text.trim() === (p.body.text ?? '').trim())
    if (here) taken.add(here.id)
    return !here
  })
}

/** Waits, less long when the network comes back. */
function online(ms: number): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer)
      window.removeEventListener('online', end)
      done()
    }
    const timer = setTimeout(end, ms)
    window.addEventListener('online', end)
  })
}
