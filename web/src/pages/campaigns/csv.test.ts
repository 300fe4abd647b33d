import { expect, test } from 'vitest'
import { choices, guesses, readHead } from './csv'

test('the head of a file of recipients is read without its byte order mark and empty rows', async () => {
  expect(await readHead(new File(['\uFEFFИмя;Телефон; Город\n;;\nАнна;+37120000001;Рига\n'], 'x.csv'))).toEqual({ columns: ['Имя', 'Телефон', 'Город'], rows: [['Анна', '+37120000001', 'Рига']] })
})

test.each([['E-mail', 'email'], ['Телефон', 'sms'], ['Phone number', 'sms'], ['data.code', 'data.code'], ['attr.city', 'attr.city'], ['consent.sms.promotions', 'consent.sms.promotions'], ['Promo code', 'data.promo_code'], ['Город', 'data.город'], ['', '-']])('takes %j for %s', (column, field) => {
  expect(guesses({ columns: [column], rows: [] }, { channels: [] })).toEqual([field])
})

test('a column of yes and no is consent only where nothing else can be meant', () => {
  const rows = [['+37120000001', 'да'], ['+37120000002', 'нет'], ['+37120000003', '']]
  const of = (columns: string[], aim: { topic?: string; channels: string[] }, cells = rows) => guesses({ columns, rows: cells }, aim)
  const news = { topic: 'news', channels: ['email', 'sms'] }
  expect(of(['Номер', 'Согласие на рассылку'], news)).toEqual(['sms', 'consent.sms.news'])
  expect(of(['Phone', 'Consent'], news, [['+37120000001', 'yes']])).toEqual(['sms', 'consent.sms.news'])
  expect(of(['Phone', 'Consent'], { channels: ['sms'] }), 'no topic').toEqual(['sms', 'data.consent'])
  expect(of(['Phone', 'Consent'], news, [['+37120000001', 'by letter']]), 'no yes and no').toEqual(['sms', 'data.consent'])
  const both = [['+37120000001', 'yes', 'a@example.com']]
  expect(of(['Phone', 'Consent', 'E-mail'], news, both), 'two channels').toEqual(['sms', 'data.consent', 'email'])
  expect(of(['Phone', 'Consent', 'E-mail'], { topic: 'news', channels: ['email'] }, both)).toEqual(['sms', 'consent.email.news', 'email'])
  expect(of(['Phone', 'Consent', 'Opt-in'], news, [['+37120000001', 'yes', 'yes']]), 'two columns').toEqual(['sms', 'data.consent', 'data.opt_in'])
})

test('every field is offered for a column', () => {
  expect(choices('Promo code', ['news'])).toEqual(expect.arrayContaining(['external_id', 'name', 'locale', 'timezone', 'email', 'sms', 'telegram', 'webhook', 'data.promo_code', 'attr.promo_code', 'consent.sms.news']))
  expect(choices('E-mail', [])).toContain('data.e_mail')
  expect(choices('data.code', [])).toContain('data.code')
})
