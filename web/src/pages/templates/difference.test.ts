import { expect, test } from 'vitest'
import { difference, type Line } from './difference'

const shown = (lines: Line[]) => lines.map(({ kind, parts }) => ({ kept: '  ', removed: '- ', added: '+ ' })[kind] + parts.map((p) => (p.changed ? `[${p.text}]` : p.text)).join(''))

test.each<[string, string, string, string[]]>([
  ['a word of a line', 'Hello {{ customer.name }},\nthe sale ends on Friday.', 'Hello {{ customer.name }},\nthe sale ends on Sunday.', ['  Hello {{ customer.name }},', '- the sale ends on [Friday].', '+ the sale ends on [Sunday].']],
  ['words of any script', 'Скидка 20% до пятницы', 'Скидка 25% до пятницы', ['- Скидка [20]% до пятницы', '+ Скидка [25]% до пятницы']],
  ['a word more', 'Only today', 'Only until today', ['- Only today', '+ Only [until ]today']],
  ['a line that is cut in two', 'one two three four', 'one two\nthree four', ['- one two[ ]three four', '+ one two', '+ three four']],
  ['lines that have nothing in common', 'Good morning', 'См. счёт', ['- Good morning', '+ См. счёт']],
  ['lines more and lines less', 'a\nb\nc\n', 'a\nc\nd\n', ['  a', '- b', '  c', '+ d']],
  ['an end of line', 'same', 'same\n', ['- same', '+ same']],
  ['from nothing', '', 'new', ['+ new']],
])('shows %s', (_, from, to, lines) => {
  expect(shown(difference(from, to))).toEqual(lines)
})

test('gives up on words where passages are long and strange to each other', () => {
  const one = Array.from({ length: 3000 }, (_, i) => `a${i}`).join(' ')
  const other = Array.from({ length: 3000 }, (_, i) => `b${i}`).join(' ')
  expect(difference(one, other).flatMap((l) => l.parts.filter((p) => p.changed))).toEqual([])
})
