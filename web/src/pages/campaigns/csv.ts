/** The head of a file of recipients: as much as shows what its columns hold. */
export type Head = { columns: string[]; rows: string[][]; delimiter: string }

const enough = 256 * 1024

/** Reads the first rows of a CSV (RFC 4180; comma, semicolon or tab). The server reads the whole. */
export async function readHead(file: File, most = 6): Promise<Head> {
  const text = (await file.slice(0, enough).text()).replace(/^\uFEFF/, '')
  const line = text.slice(0, text.search(/\r?\n|$/))
  const delimiter = [',', ';', '\t'].map((d) => [d, line.split(d).length] as const).sort((a, b) => b[1] - a[1])[0]![0]
  const [columns = [], ...rows] = parse(text, delimiter, most + 1)
  return { columns: columns.map((c) => c.trim()), rows: rows.filter((r) => r.some((c) => c !== '')), delimiter }
}

export function parse(text: string, delimiter: string, most: number): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let i = 0; i < text.length && rows.length < most; i++) {
    const c = text[i]!
    if (quoted) {
      if (c !== '"') cell += c
      else if (text[i + 1] === '"') cell += text[++i]!
      else quoted = false
    } else if (c === '"' && cell === '') quoted = true
    else if (c === delimiter) {
      row.push(cell)
      cell = ''
    } else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[i + 1] === '\n') i++
      rows.push([...row, cell])
      row = []
      cell = ''
    } else cell += c
  }
  if (rows.length < most && (cell !== '' || row.length > 0)) rows.push([...row, cell])
  return rows
}

export const known = ['id', 'external_id', 'name', 'email', 'sms', 'whatsapp', 'telegram', 'webhook', 'locale', 'timezone', 'audience'] as const
export const skip = '-'

const words: Record<string, (typeof known)[number]> = {
  mail: 'email', 'e-mail': 'email', 'e_mail': 'email', 'email address': 'email', почта: 'email', 'эл. почта': 'email',
  phone: 'sms', 'phone number': 'sms', mobile: 'sms', tel: 'sms', telephone: 'sms', телефон: 'sms',
  'full name': 'name', fullname: 'name', first_name: 'name', имя: 'name', фио: 'name',
  language: 'locale', lang: 'locale', язык: 'locale', zone: 'timezone', 'time zone': 'timezone', tz: 'timezone',
  customer_id: 'external_id', 'customer id': 'external_id', 'external id': 'external_id', telegram_id: 'telegram', whatsapp_number: 'whatsapp',
}

/** What a column most likely holds: one of our fields, else a variable of the template under its own name. */
export function guess(column: string): string {
  const c = column.trim().toLowerCase()
  if ((known as readonly string[]).includes(c)) return c
  if (/^(attr|data|consent)\..+/.test(c) || /^consent_(source|text_version|proof|ip)$/.test(c)) return column
  if (words[c]) return words[c]
  const name = c.replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_+|_+$/g, '')
  return name ? `data.${name}` : skip
}
