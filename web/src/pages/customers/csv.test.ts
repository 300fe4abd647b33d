import { expect, test } from 'vitest'
import { guess, guesses, readCsv, separatorOf } from './csv'

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

test('an id is ours where the file has theirs beside it or its cells are ours', () => {
  expect(guesses(['id', 'external_id', 'name'], [['', 'crm-1', 'Anna']])).toEqual(['id', 'external_id', 'name']) // as the list's export has it
  expect(guesses(['ID', 'email'], [['', 'a@example.com'], ['cus_0b8t9g3kq8x1w', 'b@example.com']])).toEqual(['id', 'email'])
  expect(guesses(['id', 'email'], [['17', 'a@example.com']])).toEqual(['external_id', 'email'])
})

test('a number is a phone where it looks like one', () => {
  expect(guesses(['Номер', 'Имя'], [['+371 2000-0001', 'Анна'], ['', 'Пётр']])).toEqual(['sms', 'name'])
  expect(guesses(['Номер', 'Телефон'], [['1', '+37120000001'], ['2', '+37120000002']])).toEqual(['attr.номер', 'sms'])
})
