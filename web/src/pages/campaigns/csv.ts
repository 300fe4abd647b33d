import { guess as asCustomer, readCsv, separatorOf } from '../customers/csv'

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

/** What a column most likely holds: what it is in an import, but what would be an attribute there is a variable of the template. */
export function guess(column: string): string {
  const field = asCustomer(column)
  return field.startsWith('attr.') && !column.trim().startsWith('attr.') ? `data.${field.slice(5)}` : field
}
