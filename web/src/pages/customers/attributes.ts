import { meant, typed } from './filter'

/** An attribute as it is typed. */
export type Row = { name: string; value: string }

/** Attributes as rows: words, numbers, true and false as people write them, the rest as JSON. */
export function write(attributes: Record<string, unknown>): Row[] {
  return Object.entries(attributes).map(([name, v]) => ({ name, value: typeof v === 'object' && v !== null ? JSON.stringify(v) : typeof v === 'string' && /^[[{]/.test(v) ? `"${v}"` : typed(v) }))
}

/** Rows as attributes; undefined where one begins as JSON and is none. Rows without a name are left out. */
export function read(rows: Row[]): Record<string, unknown> | undefined {
  const out: Record<string, unknown> = {}
  for (const { name, value } of rows) {
    if (!name.trim()) continue
    const text = value.trim()
    try {
      out[name.trim()] = /^[[{]/.test(text) ? (JSON.parse(text) as unknown) : meant(text)
    } catch {
      return undefined
    }
  }
  return out
}
