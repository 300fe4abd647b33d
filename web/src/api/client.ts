import createFetch, { type Middleware } from 'openapi-fetch'
import createHooks from 'openapi-react-query'
import { newKey } from './key'
import type { components, paths } from './schema'
import { csrfToken, signedOut } from './session-state'

export type Schemas = components['schemas']

const unsafe = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * Every change carries the token that proves it came from this page, and every POST a key of its own, so that a
 * repetition after a lost answer does nothing twice. A caller that repeats by itself brings its own Idempotency-Key.
 */
const guard: Middleware = {
  onRequest({ request }) {
    if (unsafe.has(request.method)) request.headers.set('X-CSRF-Token', csrfToken())
    if (request.method === 'POST' && !request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', newKey())
    return request
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== '/v1/session') signedOut()
    return undefined
  },
}

/** Typed requests: `await client.GET('/v1/threads/{id}', {params: {path: {id}}})`. */
export const client = createFetch<paths>({ credentials: 'same-origin', querySerializer: { array: { style: 'form', explode: false } } })
client.use(guard)

/** Typed hooks: `$api.useQuery('get', '/v1/threads/{id}', {params: {path: {id}}})`. */
export const $api = createHooks(client)
