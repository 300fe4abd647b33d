/** One question of a filter as the API has it (docs/segments.md). */
export type Question = { field: string; op?: string; value?: unknown; name?: string; channel?: string; topic?: string; type?: string; min?: number; within?: string }

/** A question as the builder has it: perhaps turned round. */
export type Asked = { not: boolean; question: Question }

/** What the builder can show: a flat list of which all or any must hold. */
export type Flat = { match: 'all' | 'any'; asked: Asked[] }

export const fields = ['locale', 'channel', 'consent', 'audience', 'timezone', 'attribute', 'event', 'last_reply', 'last_message', 'created_at'] as const
export type Field = (typeof fields)[number]

/** What a field can be asked; the first is what a new question begins with. */
export const ops: Record<Field, string[]> = {
  locale: ['in', 'exists'],
  timezone: ['in', 'exists'],
  audience: ['in'],
  channel: ['has'],
  consent: ['is'],
  attribute: ['eq', 'contains', 'gt', 'lt', 'exists'],
  event: ['happened'],
  last_reply: ['within', 'beyond', 'exists'],
  last_message: ['within', 'beyond', 'exists'],
  created_at: ['within', 'beyond'],
}

export function fresh(field: Field): Question {
  const op = ops[field][0]!
  switch (field) {
    case 'channel':
      return { field, op, channel: 'email' }
    case 'consent':
      return { field, op, channel: 'email', value: 'granted' }
    case 'attribute':
      return { field, op, name: '', value: '' }
    case 'event':
      return { field, op, type: '', min: 1, within: '30d' }
    default:
      return { field, op, value: op === 'within' ? '30d' : [] }
  }
}

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)

function askedOf(v: unknown): Asked | null {
  if (!isRecord(v)) return null
  if (isRecord(v.not)) {
    const inner = askedOf(v.not)
    return inner && !inner.not ? { not: true, question: inner.question } : null
  }
  if (typeof v.field !== 'string' || !fields.includes(v.field as Field)) return null
  const question = { ...v } as Question
  const field = v.field as Field
  question.op ??= ops[field][0]
  if (question.op === 'eq' && field !== 'attribute') {
    question.op = 'in'
    question.value = [question.value]
  }
  const known = ops[field].includes(question.op!) && (question.op !== 'eq' || !Array.isArray(question.value))
  return known ? { not: false, question } : null
}

/** The filter as the builder shows it; null where it is nested, or asks what the builder cannot. */
export function flatten(filter: unknown): Flat | null {
  if (!isRecord(filter)) return null
  const match = Array.isArray(filter.all) ? 'all' : Array.isArray(filter.any) ? 'any' : null
  if (!match) {
    const one = askedOf(filter)
    return one && { match: 'all', asked: [one] }
  }
  const asked = (filter[match] as unknown[]).map(askedOf)
  return asked.every((a) => a !== null) ? { match, asked } : null
}

/** Whether a question can be asked: what must be filled in is. */
export function whole({ question: q }: Asked): boolean {
  if (q.field === 'event') return !!q.type?.trim()
  if (q.field === 'attribute' && !q.name?.trim()) return false
  if (q.op === 'exists' || q.field === 'channel') return true
  return Array.isArray(q.value) ? q.value.length > 0 : q.value !== '' && q.value !== undefined && q.value !== null
}

/** The filter for the API, of the questions that are whole; undefined when there are none. */
export function build({ match, asked }: Flat): Record<string, unknown> | undefined {
  const parts = asked.filter(whole).map(({ not, question }) => {
    const q = Object.fromEntries(Object.entries(question).filter(([k, v]) => v !== undefined && v !== '' && !(k === 'value' && question.op === 'exists')))
    return not ? { not: q } : q
  })
  return parts.length === 0 ? undefined : { [match]: parts }
}

/** An attribute's value as it was meant: numbers, true and false are not text, unless in quotes. */
export function meant(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?\d{1,15}(\.\d+)?$/.test(text) && String(Number(text)) === text) return Number(text)
  return /^".*"$/.test(text) ? text.slice(1, -1) : text
}

/** The other way round, for the field. */
export function typed(value: unknown): string {
  if (typeof value === 'string') return typeof meant(value) === 'string' && !/^".*"$/.test(value) ? value : `"${value}"`
  return value === undefined || value === null ? '' : String(value)
}

/** Days of a span such as 30d or 720h. */
export function days(span: unknown): number {
  const found = /^(\d+)(d|h)$/.exec(typeof span === 'string' ? span : '')
  return found ? Math.max(1, Math.round(Number(found[1]) / (found[2] === 'h' ? 24 : 1))) : 30
}
