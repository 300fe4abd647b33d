import { expect, test } from 'vitest'
import { guess, readCsv, separatorOf } from './csv'

test('reads quotes, doubled quotes, line ends in fields, CRLF, a BOM and no last line end', () => {
  expect(readCsv('\ufeffa,b\r\n"x, ""y""\nz",2\n\n3,', 10)).toEqual([['a', 'b'], ['x, "y"\nz', '2'], ['3', '']])
})

test('stops where enough was read', () => {
  expect(readCsv('a\n1\n2\n3\n', 2)).toEqual([['a'], ['1']])
  expect(readCsv('', 5)).toEqual([])
})

test('finds the separator of a file', () => {
  expect(['a;b;c\n1,2', 'a,b', 'a\tb\tc', 'a'].map(separatorOf)).toEqual([';', ',', '\t', ','])
})

test('guesses what a column is', () => {
  expect(['email', 'E-Mail', 'Phone number', 'customer_id', 'id', 'Full name', 'Language', 'attr.tier', 'consent.email.news', 'Loyalty Tier', '', '!!'].map(guess)).toEqual([
    'email', 'email', 'sms', 'external_id', 'external_id', 'name', 'locale', 'attr.tier', 'consent.email.news', 'attr.loyalty_tier', '-', 'attr.column',
  ])
})
