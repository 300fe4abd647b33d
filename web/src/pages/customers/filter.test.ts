import { expect, test } from 'vitest'
import { build, days, flatten, fresh, meant, typed, whole, fields } from './filter'

test('a flat filter comes back as it went in', () => {
  const filter = { any: [{ field: 'locale', op: 'in', value: ['lv'] }, { not: { field: 'channel', op: 'has', channel: 'sms' } }, { field: 'event', op: 'happened', type: 'order', min: 3, within: '90d' }] }
  expect(build(flatten(filter)!)).toEqual(filter)
})

test('one question alone is a list of one, eq of words is in, and a default op is filled in', () => {
  expect(build(flatten({ field: 'locale', op: 'eq', value: 'lv' })!)).toEqual({ all: [{ field: 'locale', op: 'in', value: ['lv'] }] })
  expect(build(flatten({ field: 'channel', channel: 'sms' })!)).toEqual({ all: [{ field: 'channel', op: 'has', channel: 'sms' }] })
})

test('what the builder cannot show is left alone', () => {
  for (const filter of [{ all: [{ any: [] }] }, { field: 'attribute', op: 'in', name: 'a', value: [1] }, { field: 'created_at', op: 'after', value: '2026-01-01T00:00:00Z' }, { field: 'moon' }, 'x', null])
    expect(flatten(filter), JSON.stringify(filter)).toBeNull()
})

test('questions that are not filled in are not asked', () => {
  expect(build({ match: 'all', asked: fields.map((f) => ({ not: false, question: fresh(f) })).filter((a) => !whole(a)) })).toBeUndefined()
  expect(build({ match: 'all', asked: [{ not: false, question: { field: 'locale', op: 'exists', value: [] } }] })).toEqual({ all: [{ field: 'locale', op: 'exists' }] })
})

test('values of attributes keep their kind', () => {
  expect(['7', '-1.5', 'true', '"7"', 'Riga', '1.0', ''].map(meant)).toEqual([7, -1.5, true, '7', 'Riga', '1.0', ''])
  for (const v of ['7', 7, true, 'true', 'Riga', '"x"']) expect(meant(typed(v))).toBe(v)
})

test('spans are days', () => {
  expect(['30d', '720h', '1h', 'x', undefined].map(days)).toEqual([30, 30, 1, 30, 30])
})
