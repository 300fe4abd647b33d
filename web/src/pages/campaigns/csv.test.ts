import { describe, expect, it } from 'vitest'
import { guess, parse, readHead } from './csv'

describe('the head of a file of recipients', () => {
  it('keeps quoted commas, quotes and line breaks in their cell', () => {
    expect(parse('a,b\r\n"x, y","say ""hi""\nthere"\r\nlast,1', ',', 10)).toEqual([['a', 'b'], ['x, y', 'say "hi"\nthere'], ['last', '1']])
  })
  it('finds the delimiter by the header and drops the byte order mark', async () => {
    const head = await readHead(new File(['\uFEFFИмя;Телефон;Город\nАнна;+37120000001;Рига\n'], 'x.csv'))
    expect(head).toEqual({ columns: ['Имя', 'Телефон', 'Город'], rows: [['Анна', '+37120000001', 'Рига']], delimiter: ';' })
  })
  it('reads no more rows than asked for', () => {
    expect(parse('a\n1\n2\n3\n', ',', 2)).toEqual([['a'], ['1']])
  })
  it.each([['E-mail', 'email'], ['Телефон', 'sms'], ['data.code', 'data.code'], ['attr.city', 'attr.city'], ['consent.sms.promotions', 'consent.sms.promotions'], ['Promo code', 'data.promo_code'], ['Город', 'data.город'], ['', '-']])('takes %j for %s', (column, field) => {
    expect(guess(column)).toBe(field)
  })
})
