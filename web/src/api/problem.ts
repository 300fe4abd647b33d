/** A refusal as the API words it (RFC 9457), or what the browser knows when no answer came. */
export type Problem = {
  type?: string
  title: string
  status: number
  detail?: string
  errors?: { path?: string; location?: string; message: string }[]
  request_id?: string
  /** Seconds to wait before asking again, where the server said so. */
  retryAfter?: number
}

/** The code at the end of a problem's type: /docs#error-not_found is not_found. */
export function codeOf(problem: unknown): string {
  const type = isProblem(problem) ? (problem.type ?? '') : ''
  return type.slice(type.lastIndexOf('#error-') + 7)
}

export function isProblem(e: unknown): e is Problem {
  return typeof e === 'object' && e !== null && 'status' in e && 'title' in e
}

/** Whatever was thrown, as a problem: a request that never got an answer has status 0. */
export function problemOf(e: unknown): Problem {
  if (isProblem(e)) return e
  return { title: 'offline', status: 0 } // what the browser says of it (Failed to fetch) is for nobody
}

/** Fields and what is wrong with each, by the path that the API gives (body.name, name). */
export function fieldErrors(e: unknown): Record<string, string> {
  const out: Record<string, string> = {}
  for (const f of (isProblem(e) && e.errors) || []) {
    const path = (f.path ?? f.location ?? '').replace(/^body\./, '')
    out[path] ??= f.message
  }
  return out
}
