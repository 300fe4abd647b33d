import createFetch, { type Middleware } from 'openapi-fetch'
import createHooks from 'openapi-react-query'
import { newKey } from './key'
import type { components, paths } from './schema'
import { csrfToken, signedOut } from './session-state'

export type Schemas = components['schemas']

const unsafe = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Every change carries the token that proves it came from this page. */
const guard: Middleware = {
  onRequest({ request }) {
    if (unsafe.has(request.method)) request.headers.set('X-CSRF-Token', csrfToken())
    return request
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== '/v1/session') signedOut()
    // A proxy before the server refuses in words of its own: its status is what is known.
    const foreign = !response.ok && !/json/.test(response.headers.get('Content-Type') ?? '')
    return foreign ? Response.json({ title: response.statusText, status: response.status }, { status: response.status, headers: { 'Retry-After': response.headers.get('Retry-After') ?? '' } }) : undefined
  },
}

/** Milliseconds within which a second click is the end of a double click, and no second wish. */
const doubleClick = 500

/** POSTs that only ask: the same question again may have another answer. */
const asks = /\/(preview|estimate|render|find|check)$/

const begun = new Map<string, Promise<Response>>()

/**
 * Every POST has a key of its own, so that a repetition after a lost answer does nothing twice; a caller that repeats by itself
 * brings its own Idempotency-Key. The same POST a moment later is a double click: it gets the answer to the first.
 */
async function send(request: Request): Promise<Response> {
  if (request.method !== 'POST' || request.headers.has('Idempotency-Key')) return fetch(request)
  request.headers.set('Idempotency-Key', newKey())
  const type = request.headers.get('Content-Type') ?? ''
  if (asks.test(new URL(request.url).pathname) || (type !== '' && !type.startsWith('application/json'))) return fetch(request)
  const act = `${request.url}\n${await request.clone().text()}`
  const first = begun.get(act)
  if (first) return (await first).clone()
  const answer = fetch(request)
  begun.set(act, answer)
  const over = new Promise((done) => setTimeout(done, doubleClick))
  const forget = () => begun.delete(act)
  answer.then((r) => (r.ok ? over : undefined)).then(forget, forget)
  return (await answer).clone()
}

/** Typed requests: `await client.GET('/v1/threads/{id}', {params: {path: {id}}})`. */
export const client = createFetch<paths>({ fetch: send, credentials: 'same-origin', querySerializer: { array: { style: 'form', explode: false } } })
client.use(guard)

/** Typed hooks: `$api.useQuery('get', '/v1/threads/{id}', {params: {path: {id}}})`. */
export const $api = createHooks(client)
