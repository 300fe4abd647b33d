import { expect, it } from 'vitest'
import { addressesOf } from './addresses'

it('reads a pasted list and the first column of a CSV file', () => {
  expect(addressesOf('a@shop.example\r\n\r\n b@shop.example \na@shop.example')).toEqual(['a@shop.example', 'b@shop.example'])
  expect(addressesOf('Email,reason\n"a@shop.example",bounced\n+371 20000000;stop')).toEqual(['a@shop.example', '+371 20000000'])
  expect(addressesOf(' \n')).toEqual([])
})
