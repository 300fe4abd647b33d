/** How a file may separate its fields; the first of these that its first line has counts, here as in the import. */
const separators = [',', ';', '\t'] as const

/** The first rows of a CSV file (RFC 4180): quotes may hold separators, line ends and doubled quotes. */
export function readCsv(text: string, limit: number, separator: string = ','): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  const s = text.replace(/^\ufeff/, '')
  for (let i = 0; i < s.length && rows.length < limit; i++) {
    const c = s[i]!
    if (quoted) {
      if (c !== '"') field += c
      else if (s[i + 1] === '"') {
        field += '"'
        i++
      } else quoted = false
    } else if (c === '"' && field === '') quoted = true
    else if (c === separator) {
      row.push(field)
      field = ''
    } else if (c === '\n') {
      row.push(field.replace(/\r$/, ''))
      if (row.length > 1 || row[0] !== '') rows.push(row)
      row = []
      field = ''
    } else field += c
  }
  if (rows.length < limit && (field !== '' || row.length > 0)) rows.push([...row, field.replace(/\r$/, '')])
  return rows
}

/** Whether a file is what an import refused, mended: its first two columns are then ours (see `GET /v1/jobs/{id}/rejects`). */
export function isRefused(head: string[]): boolean {
  return head[0] === 'line' && head[1] === 'reason'
}

/** The separator of a file. */
export function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/\r?\n|$/))
  return separators.find((s) => line.includes(s)) ?? ','
}

/** Columns that the import knows, but those with names of their own: attr., data. and consent. */
export const columns = ['id', 'external_id', 'email', 'sms', 'whatsapp', 'telegram', 'webhook', 'name', 'locale', 'timezone', 'audience', 'consent_source', 'consent_text_version', 'consent_proof', 'consent_ip'] as const

// What exports of shops and CRMs call these.
const known: [RegExp, (typeof columns)[number]][] = [
  [/^(e[-_ ]?mail)([-_ ]?address)?$|^mail$|^(эл\. ?|электронная )?почта$|^(электронный|эл\.) адрес$/i, 'email'],
  [/^(phone|mobile|cell|tel|sms|msisdn)([-_ ]?(number|no))?$|^(номер |мобильный |моб\. ?)?телефона?$|^мобильный( номер)?$/i, 'sms'],
  [/^whats[-_ ]?app/i, 'whatsapp'],
  [/^telegram/i, 'telegram'],
  [/^(full|display|customer)?[-_ ]?name$|^(полное )?имя( клиента)?$|^ф\.? ?и\.? ?о\.?$/i, 'name'],
  [/^(customer|client|user|crm|external|shop)?[-_ ]?id$|^(id|код|номер) клиента$/i, 'external_id'],
  [/^(lang|language|locale)$|^язык$/i, 'locale'],
  [/^(tz|time[-_ ]?zone)$|^часовой пояс$/i, 'timezone'],
]

/** What a column of a file most likely is: itself where the import knows it, else by its name, else an attribute. */
export function guess(name: string): string {
  const n = name.trim()
  if (n === '') return '-'
  if (n !== 'id' && (columns as readonly string[]).includes(n)) return n
  if (/^(attr|data)\.\S+$|^consent\.(email|sms|whatsapp|telegram|webhook)\.\S+$/.test(n)) return n
  return known.find(([like]) => like.test(n))?.[1] ?? `attr.${n.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_|_$/g, '') || 'column'}`
}

/** Whether a column has cells, and all of them are like this. */
export function all(rows: string[][], column: number, like: RegExp): boolean {
  const cells = rows.map((r) => r[column]?.trim() ?? '').filter(Boolean)
  return cells.length > 0 && cells.every((c) => like.test(c))
}

/**
 * What the columns of a file most likely are, by the names of all and the first rows. An `id` is the customer's in the
 * system of the shop, but where the file has that beside it, or it holds ours. A "Номер" is a phone where it looks like one.
 */
export function guesses(head: string[], rows: string[][]): string[] {
  const theirs = head.some((h) => /^external_id$/i.test(h.trim()))
  const found = head.map((h, i) => (/^id$/i.test(h.trim()) && (theirs || all(rows, i, /^cus_/)) ? 'id' : guess(h)))
  const phone = found.includes('sms') ? -1 : head.findIndex((h, i) => /^номер$/i.test(h.trim()) && all(rows, i, /^'?\+?\d[\d ()-]{8,}$/))
  return found.map((f, i) => (i === phone ? 'sms' : f))
}
