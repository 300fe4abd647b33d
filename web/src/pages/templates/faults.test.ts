import { expect, test } from 'vitest'
import { faultsOf, within } from './faults'

test('a refusal tells each text what is wrong with it, and at which line', () => {
  const faults = faultsOf({
    title: 'Unprocessable Entity',
    status: 422,
    errors: [
      { path: 'variants[0].text', message: 'line 2: {{ is never closed by }}' },
      { path: 'source.variants[1].buttons[0][0].url', message: 'is not a URL' },
      { path: 'variants[10].text', message: 'line 1: unknown filter "x"' },
    ],
  })
  expect(within(faults, 'variants[0].text')).toEqual([{ line: 2, message: '{{ is never closed by }}' }])
  expect(within(faults, 'variants[1]')).toEqual([{ line: 0, message: 'is not a URL' }])
  expect(within(faults, 'variants[0].html')).toEqual([])
  expect(faultsOf(undefined)).toEqual({})
})
