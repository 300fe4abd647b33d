/** How many addresses one goes through with in a browser; the API takes more. */
export const most = 5_000

/** The addresses of a pasted list or a CSV file: the first column of each line, without a heading and without what comes twice. */
export function addressesOf(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.split(/[,;\t]/)[0]!.trim().replace(/^"(.*)"$/, '$1').trim())
  const heading = /^(e-?mail|address|phone|sms|number|адрес|почта|телефон)( address)?$/i
  return [...new Set(lines.filter((line, i) => line !== '' && !(i === 0 && heading.test(line))))]
}
