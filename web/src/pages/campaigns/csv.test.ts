import { expect, test } from 'vitest'
import { guess, readHead } from './csv'

test('the head of a file of recipients is read without its byte order mark and empty rows', async () => {
  expect(await readHead(new File(['\uFEFFИмя;Телефон; Город\n;;\nАнна;+37120000001;Рига\n'], 'x.csv'))).toEqual({ columns: ['Имя', 'Телефон', 'Город'], rows: [['Анна', '+37120000001', 'Рига']] })
})

test.each([['E-mail', 'email'], ['Телефон', 'sms'], ['data.code', 'data.code'], ['attr.city', 'attr.city'], ['consent.sms.promotions', 'consent.sms.promotions'], ['Promo code', 'data.promo_code'], ['Город', 'data.город'], ['', '-']])('takes %j for %s', (column, field) => {
  expect(guess(column)).toBe(field)
})
