import { problemOf } from '../../api/problem'

/** What is wrong with one text of a template; line 0: nobody says where. */
export type Fault = { line: number; message: string }

/** What is wrong with a template, by the path of the text: `variants[0].html`. */
export type Faults = Record<string, Fault[]>

/** The faults that a refusal names, each at its text; anything else is none. */
export function faultsOf(error: unknown): Faults {
  const out: Faults = {}
  for (const e of error ? (problemOf(error).errors ?? []) : []) {
    const path = (e.path ?? e.location ?? '').replace(/^(body\.)?(source\.)?/, '')
    const found = /^line (\d+): ([\s\S]*)$/.exec(e.message ?? '')
    if (path) (out[path] ??= []).push(found ? { line: Number(found[1]), message: found[2]! } : { line: 0, message: e.message ?? '' })
  }
  return out
}

/** The faults of one text: of the path itself and of what lies within it. */
export function within(faults: Faults, path: string): Fault[] {
  return Object.entries(faults).flatMap(([p, list]) => (p === path || p.startsWith(`${path}.`) || p.startsWith(`${path}[`) ? list : []))
}
