import { expect, test } from 'vitest'
import { read, write } from './attributes'

test('attributes come back from their rows as they were', () => {
  const all = { tier: 'gold', points: 12, vip: true, zip: '01234', number: '42', said: 'true', odd: '[not a list', tags: ['a', 1], size: { eu: 40 }, empty: '' }
  expect(read(write(all))).toEqual(all)
})

test('what begins as JSON must be JSON, and rows without a name are none', () => {
  expect(read([{ name: 'tags', value: '["a"' }])).toBeUndefined()
  expect(read([{ name: ' ', value: 'x' }, { name: ' city ', value: ' Riga ' }])).toEqual({ city: 'Riga' })
})
