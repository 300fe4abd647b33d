import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { problemOf, type Problem } from './problem'
import { csrfToken, keepCsrf, signedOut } from './session-state'

export type Role = 'owner' | 'admin' | 'agent' | 'viewer'

export type Me = {
  id: string
  name: string
  email: string
  role: Role
  locale?: string
  preferences: Record<string, unknown>
  totp: boolean
  recovery_codes: number
  created_at: string
}

export type Session = {
  agent: Me
  scopes: string[]
  csrf: string
  session: string
  expires_at: string
  settings: { version: string; public_url: string; demo: boolean; simulator: boolean; default_locale: string; default_timezone: string }
}

/**
 * One request of the doors to a session. They stand apart from the typed client because they are asked before there
 * is one, and a 401 here is an answer, not the end of a session.
 */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') headers['X-CSRF-Token'] = csrfToken()
  let answer: Response
  try {
    answer = await fetch(path, { method, headers, credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body) })
  } catch (e) {
    throw problemOf(e)
  }
  if (answer.status === 204) return undefined as T
  const value: unknown = await answer.json().catch(() => ({ title: answer.statusText, status: answer.status }))
  if (!answer.ok) throw { ...(value as Problem), retryAfter: Number(answer.headers.get('Retry-After')) || undefined }
  return value as T
}

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 5 * 60_000,
  retry: (n, e) => problemOf(e).status === 0 && n < 3,
  queryFn: async ({ client, queryKey }): Promise<Session | null> => {
    try {
      return keep(await ask<Session>('GET', '/v1/session'))
    } catch (e) {
      if (problemOf(e).status !== 401) throw e
      if (client.getQueryData(queryKey)) signedOut() // it has ended under an open page
      return keep(null)
    }
  },
})

/** The newest there was. A page is drawn with it until its way out to the sign-in is done. */
let last: Session | null = null

function keep(s: Session | null): Session | null {
  keepCsrf(s?.csrf ?? '')
  last = s ?? last
  return s
}

/** The session of whoever looks at a page behind the sign-in; the router lets nobody else in. */
export function useSession(): Session {
  const session = useQuery(sessionQuery).data ?? last
  if (!session) throw new Error('no session')
  return session
}

/** Takes over a session that a sign-in has just answered. */
export function useAdopt() {
  const queries = useQueryClient()
  return (s: Session) => {
    queries.clear()
    queries.setQueryData(sessionQuery.queryKey, keep(s))
  }
}

/** Tells what the role may do: `can('write:threads')`. `write:x` implies `read:x`. */
export function useCan() {
  const { scopes } = useSession()
  return (scope: string) => allows(scopes, scope)
}

export function allows(scopes: string[], scope: string): boolean {
  const [verb, noun] = scope.split(':')
  return scopes.some((s) => s === '*' || s === scope || s === `${verb}:*` || (verb === 'read' && (s === `write:${noun}` || s === 'write:*')))
}
