import { createContext, useContext, useEffect, useRef, useState, type ReactNode } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { ask } from './session'
import { problemOf } from './problem'
import { signedOut } from './session-state'
import { eventTypes } from './values'

/** One event of the stream; docs/events.md lists the types. */
export type Told = { id: string; type: string; created_at: string; data: Record<string, unknown> & { thread?: string; customer?: string; campaign?: string; message?: string; entry?: string } }

export type Live = 'connecting' | 'live' | 'polling' | 'offline'

type Hub = { listen: (fn: (e: Told) => void) => () => void; state: Live }

const Events = createContext<Hub | null>(null)

// The server sends a sign of life at once and every 15 s. A proxy that buffers keeps them back, and then polling is the way.
const silence = 20_000

// EventSource hands named events only to those who ask for each name.
const types = [...eventTypes, 'gap', 'alive']

/**
 * Follows the event stream for the whole app: server-sent events, or polling where nothing gets through. After a gap
 * everything shown is asked for anew.
 */
export function EventsProvider({ children }: { children: ReactNode }) {
  const listeners = useRef(new Set<(e: Told) => void>())
  const [state, setState] = useState<Live>('connecting')
  const queries = useQueryClient()

  useEffect(() => {
    const end = new AbortController()
    const hear = (e: Told) => {
      if (e.type === 'gap') void queries.invalidateQueries()
      for (const fn of listeners.current) fn(e)
    }
    void follow(end.signal, hear, (s) => {
      setState(s)
      if (s === 'live') void queries.invalidateQueries({ predicate: (q) => q.state.status === 'error' })
    })
    return () => end.abort()
  }, [queries])

  const [hub] = useState(() => ({
    listen: (fn: (e: Told) => void) => {
      listeners.current.add(fn)
      return () => void listeners.current.delete(fn)
    },
  }))
  return <Events.Provider value={{ ...hub, state }}>{children}</Events.Provider>
}

/** Whether news arrives by itself. */
export function useLive(): Live {
  return useContext(Events)?.state ?? 'connecting'
}

/** Calls fn for each event; fn may change with each render. */
export function useEvents(fn: (e: Told) => void) {
  const hub = useContext(Events)
  const now = useRef(fn)
  useEffect(() => {
    now.current = fn
  })
  const listen = hub?.listen
  useEffect(() => listen?.((e) => now.current(e)), [listen])
}

/** Follows the stream until the signal: streams, polls for a minute where a stream brings nothing, and begins again. */
async function follow(signal: AbortSignal, hear: (e: Told) => void, tell: (s: Live) => void) {
  let after = ''
  let failures = 0
  const told = (e: Told) => {
    failures = 0
    if (e.id) after = e.id
    if (e.type !== 'alive') hear(e)
  }
  while (!signal.aborted) {
    try {
      // A place of our own first, so that nothing between two connections is missed, even when the first brings nothing.
      after ||= (await ask<{ next: string }>('GET', '/v1/events/log?limit=1')).next
      const how = await stream(after, signal, told, () => tell('live'))
      if (how === 'silent') {
        tell('polling')
        for (const until = Date.now() + 60_000; Date.now() < until && !signal.aborted; ) {
          const log = await ask<{ data: Told[]; next: string; gap: boolean }>('GET', `/v1/events/log?wait=10s&after=${encodeURIComponent(after)}`)
          if (log.gap) told({ id: '', type: 'gap', created_at: '', data: {} })
          log.data.forEach(told)
          after = log.next
          failures = 0
        }
        continue
      }
    } catch (e) {
      if (problemOf(e).status === 401) return signedOut()
    }
    if (signal.aborted) return
    if (failures > 0) tell('offline') // a server that is restarted is back before anybody need know
    await pause(Math.min(20_000, 400 * 2 ** failures++), signal)
  }
}

/** One connection, until it is lost, or says nothing for too long. */
function stream(after: string, signal: AbortSignal, told: (e: Told) => void, opened: () => void): Promise<'lost' | 'silent'> {
  return new Promise((resolve) => {
    const source = new EventSource(`/v1/events/stream?alive=true&after=${encodeURIComponent(after)}`)
    let overdue: ReturnType<typeof setTimeout>
    const end = (how: 'lost' | 'silent') => {
      clearTimeout(overdue)
      source.close()
      signal.removeEventListener('abort', lost)
      resolve(how)
    }
    const lost = () => end('lost')
    const arm = () => {
      clearTimeout(overdue)
      overdue = setTimeout(() => end('silent'), silence)
    }
    let first = true
    for (const type of types)
      source.addEventListener(type, (m: MessageEvent<string>) => {
        if (first) opened()
        first = false
        arm()
        told(type === 'alive' || type === 'gap' ? { id: m.lastEventId, type, created_at: '', data: {} } : { ...(JSON.parse(m.data) as Told), id: m.lastEventId })
      })
    source.onerror = lost // our own repetition knows the newest id and backs off
    signal.addEventListener('abort', lost)
    arm()
  })
}

/** Waits, unless the browser comes back to the network or the page to the eye before. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      window.removeEventListener('online', wake)
      document.removeEventListener('visibilitychange', wake)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    window.addEventListener('online', wake)
    document.addEventListener('visibilitychange', wake)
    signal.addEventListener('abort', wake)
  })
}
