import { all, guess as asCustomer, guesses as asCustomers, readCsv, separatorOf } from '../customers/csv'
import { channels } from './words'

/** The head of a file of recipients: as much as shows what its columns hold. */
export type Head = { columns: string[]; rows: string[][] }

const enough = 256 * 1024

/** Reads the first rows of a CSV as the import does. The server reads the whole. */
export async function readHead(file: File, most = 6): Promise<Head> {
  const text = await file.slice(0, enough).text()
  const [columns = [], ...rows] = readCsv(text, most + 1, separatorOf(text))
  return { columns: columns.map((c) => c.trim()), rows: rows.filter((r) => r.some((c) => c !== '')) }
}

export const known = ['id', 'external_id', 'name', 'email', 'sms', 'whatsapp', 'telegram', 'webhook', 'locale', 'timezone', 'audience'] as const
export const skip = '-'

// What would be an attribute in an import is a variable of the template.
const variable = (field: string, column: string) => (field.startsWith('attr.') && !column.trim().startsWith('attr.') ? `data.${field.slice(5)}` : field)

/** What the campaign is about, as far as it is chosen. */
export type Aim = { topic?: string; channels: readonly string[] }

const consent = /^(marketing )?(consent|opt[-_ ]?in)$|^согласие( на (рассылку|рекламу|реклам\S+ рассылку))?$/i
const word = /^(granted|withdrawn|true|false|yes|no|1|0|да|нет)$/i

/**
 * What the columns of a file most likely hold. One column of consents is for the campaign's topic, on the one channel that
 * the file has addresses of or the campaign uses; where there is more than one, nobody is said to have agreed to any.
 */
export function guesses({ columns, rows }: Head, { topic, channels: used }: Aim): string[] {
  const found = asCustomers(columns, rows).map((f, i) => variable(f, columns[i]!))
  const places = columns.flatMap((c, i) => (consent.test(c.trim()) && all(rows, i, word) ? [i] : []))
  const reached = channels.filter((c) => found.includes(c))
  const meant = reached.length === 1 ? reached : used
  const free = !found.some((f) => f.startsWith('consent.'))
  if (!topic || !free || places.length !== 1 || meant.length !== 1) return found
  return found.map((f, i) => (i === places[0] ? `consent.${meant[0]}.${topic}` : f))
}

/** All that a column may become: fields of a customer, itself as a variable or an attribute, consents to these topics. */
export function choices(column: string, topics: string[]): string[] {
  const own = asCustomer(column)
  const name = own.startsWith('attr.') ? own.slice(5) : column.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_|_$/g, '') || 'column'
  return [...new Set([...known, ...(own.startsWith('consent') || own.startsWith('data.') ? [own] : []), `data.${name}`, `attr.${name}`, ...topics.flatMap((y) => channels.map((x) => `consent.${x}.${y}`)), 'consent_source', 'consent_text_version', 'consent_proof', 'consent_ip'])]
}
