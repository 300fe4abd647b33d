import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { problemOf } from '../../api/problem'
import { csrfToken } from '../../api/session-state'
import { markDraft } from './threads'

export type Writing = { kind: 'reply' | 'note'; text: string; channel?: string; address?: string; attachments: string[]; cc: string[]; bcc: string[] }

export const blank: Writing = { kind: 'reply', text: '', attachments: [], cc: [], bcc: [] }

const pause = 700

const isBlank = (w: Writing) => w.text.trim() === '' && w.attachments.length === 0

function fromServer(d: Schemas['Draft']): Writing {
  return { kind: d.kind ?? 'reply', text: d.text ?? '', channel: d.channel, address: d.address, attachments: d.attachments ?? [], cc: d.cc ?? [], bcc: d.bcc ?? [] }
}

function forServer(w: Writing): Schemas['DraftInput'] {
  return { kind: w.kind, text: w.text, channel: w.channel as Schemas['DraftInput']['channel'], address: w.address, attachments: w.attachments, cc: w.cc, bcc: w.bcc }
}

/**
 * What an agent is writing in a thread, kept on the server a moment after each change, so that it is there on another
 * machine, too. What another window of the same agent wrote meanwhile is never written over: it is shown as `theirs`. Words that
 * were sent and refused stand in the outbox, `held`, and not here a second time.
 */
export function useDraft(thread: string, agent: string, enabled: boolean, held: (text: string) => boolean) {
  const queries = useQueryClient()
  const [writing, setWriting] = useState<Writing>(blank)
  const [ready, setReady] = useState(!enabled)
  const [saved, setSaved] = useState<'saved' | 'saving' | 'unsaved'>('saved')
  const [theirs, setTheirs] = useState<Schemas['Draft']>()
  const now = useRef(writing)
  const dirty = useRef(false)
  const version = useRef('')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const line = useRef<Promise<unknown>>(Promise.resolve())
  const path = useRef({ id: thread, agent })
  const inOutbox = useRef(held)
  useEffect(() => {
    inOutbox.current = held
  }, [held])

  const look = useCallback(async () => {
    const { id, agent } = path.current
    const all = await need(client.GET('/v1/threads/{id}/drafts', { params: { path: { id }, query: { limit: 200 } } }))
    return all.data.find((d) => d.agent.toLowerCase() === agent.toLowerCase() && !inOutbox.current(d.text ?? ''))
  }, [])

  const show = useCallback((w: Writing) => {
    now.current = w
    setWriting(w)
  }, [])

  const save = useCallback(async () => {
    if (!dirty.current) return
    dirty.current = false
    setSaved('saving')
    const w = now.current
    try {
      markDraft(queries, path.current.id, path.current.agent, !isBlank(w))
      if (isBlank(w)) {
        if (version.current) await need(client.DELETE('/v1/threads/{id}/drafts/{agent}', { params: { path: path.current } }))
        version.current = ''
      } else version.current = (await need(client.PUT('/v1/threads/{id}/drafts/{agent}', { params: { path: path.current }, body: forServer(w) }))).updated_at
      if (!dirty.current) setSaved('saved')
    } catch (e) {
      const status = problemOf(e).status
      if (status === 404) return // nothing to throw away
      dirty.current = true
      setSaved('unsaved')
      if (status === 0 || status >= 500) timer.current = setTimeout(() => void queue(), 4_000)
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- queue and save call each other
  }, [])
  const queue = useCallback(() => (line.current = line.current.then(save)), [save])

  useEffect(() => {
    if (!enabled) return
    let gone = false
    look()
      .then((d) => {
        if (gone) return
        version.current = d?.updated_at ?? ''
        if (d && !dirty.current) show(fromServer(d))
      })
      .catch(() => {})
      .finally(() => !gone && setReady(true))
    return () => {
      gone = true
    }
  }, [enabled, look, show])

  // Another window of mine may have gone on with it.
  useEffect(() => {
    if (!enabled) return
    const back = () => {
      if (document.visibilityState !== 'visible') return
      void line.current
        .then(look)
        .then((d) => {
          if (!d || d.updated_at <= version.current) return
          const same = (d.text ?? '') === now.current.text
          version.current = d.updated_at
          if (same) return
          if (isBlank(now.current)) show(fromServer(d))
          else setTheirs(d)
        })
        .catch(() => {})
    }
    window.addEventListener('focus', back)
    document.addEventListener('visibilitychange', back)
    return () => {
      window.removeEventListener('focus', back)
      document.removeEventListener('visibilitychange', back)
    }
  }, [enabled, look, show])

  const change = useCallback(
    (w: Partial<Writing>) => {
      show({ ...now.current, ...w })
      dirty.current = true
      setSaved('unsaved')
      clearTimeout(timer.current)
      timer.current = setTimeout(() => void queue(), pause)
    },
    [queue, show],
  )

  // Whoever leaves the thread or the page leaves nothing unsaved behind.
  useEffect(() => {
    const leave = () => {
      if (!dirty.current || isBlank(now.current)) return
      dirty.current = false
      const { id, agent } = path.current
      void fetch(`/v1/threads/${encodeURIComponent(id)}/drafts/${encodeURIComponent(agent)}`, { method: 'PUT', keepalive: true, credentials: 'same-origin', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrfToken() }, body: JSON.stringify(forServer(now.current)) }).catch(() => {})
    }
    window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      clearTimeout(timer.current)
      if (dirty.current) void queue()
    }
  }, [queue])

  return {
    writing,
    change,
    ready,
    saved,
    theirs,
    takeTheirs: () => {
      if (theirs) show(fromServer(theirs))
      setTheirs(undefined)
    },
    keepMine: () => {
      setTheirs(undefined)
      change({})
    },
    /** Empties the page: it was sent, and the server throws the draft away with that. Waits until nothing old is on its way there. */
    sent: async () => {
      clearTimeout(timer.current)
      dirty.current = false
      show({ ...blank, kind: now.current.kind, channel: now.current.channel, address: now.current.address })
      setSaved('saved')
      version.current = ''
      markDraft(queries, path.current.id, path.current.agent, false)
      await line.current.catch(() => {})
    },
  }
}
