import { expect, test } from 'vitest'
import { inUtf8 } from './encoding'

const cyrillic = (text: string) => [...text].map((c) => (c >= 'А' && c <= 'я' ? c.charCodeAt(0) - 0x410 + 0xc0 : c.charCodeAt(0)))
const wide = (text: string, big: boolean) => [...`\ufeff${text}`].flatMap((c) => (big ? [c.charCodeAt(0) >> 8, c.charCodeAt(0) & 255] : [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8]))

test.each<[string, number[], string | undefined, string]>([
  ['UTF-8', [...new TextEncoder().encode('Имя;Город')], undefined, 'Имя;Город'],
  ['Windows-1251', cyrillic('Имя;E-mail\nАнна;anna@example.com'), 'windows-1251', 'Имя;E-mail\nАнна;anna@example.com'],
  ['Windows-1252', [...'Name\nJos'].map((c) => c.charCodeAt(0)).concat(0xe9), 'windows-1252', 'Name\nJosé'],
  ['UTF-16', wide('Имя;Город', false), 'utf-16le', 'Имя;Город'],
  ['UTF-16, the other way round', wide('Имя', true), 'utf-16be', 'Имя'],
])('a file in %s is read', async (_, bytes, was, text) => {
  const read = await inUtf8(new File([new Uint8Array(bytes)], 'x.csv', { type: 'text/csv' }))
  expect([read.was, await read.file.text(), read.file.name]).toEqual([was, text, 'x.csv'])
})
