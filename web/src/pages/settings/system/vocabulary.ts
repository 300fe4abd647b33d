import { eventTypes, scopes } from '../../../api/values'

// Scopes and types of events as the API lists them: what it learns tomorrow stands in the forms tomorrow.

export type Scope = (typeof scopes)[number]
type About<S> = S extends `${string}:${infer N}` ? N : never
export type Noun = Exclude<About<Scope>, '*'>

/** What scopes are about, and which of the two verbs there are for it. */
export const nouns: { noun: Noun; reads: boolean; writes: boolean }[] = [...new Set(scopes.flatMap((s) => s.split(':').slice(1)))].filter((n) => n !== '*').map((n) => ({ noun: n as Noun, reads: has(`read:${n}`), writes: has(`write:${n}`) }))

function has(scope: string): boolean {
  return (scopes as readonly string[]).includes(scope)
}

/** What a webhook can subscribe to: everything, all about one thing, one type. A test goes to its webhook whatever that has chosen. */
export const patterns: string[] = (() => {
  const types = eventTypes.filter((type) => type !== 'endpoint.test')
  const about = (type: string) => type.split('.')[0]
  return ['*', ...types.flatMap((type, i) => (about(types[i - 1] ?? '') !== about(type) && about(types[i + 1] ?? '') === about(type) ? [`${about(type)}.*`, type] : [type]))]
})()
