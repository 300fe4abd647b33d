import { describe, expect, it } from 'vitest'
import { segments } from './sms'

describe('segments', () => {
  it.each([
    ['nothing', '', 0, 160, false],
    ['one full part', 'a'.repeat(160), 1, 0, false],
    ['one letter more', 'a'.repeat(161), 2, 153 * 2 - 161, false],
    ['the euro costs two', '€'.repeat(80), 1, 0, false],
    ['a euro is not cut in two', 'a'.repeat(152) + '€' + 'a'.repeat(10), 2, 153 - 12, false],
    ['Cyrillic halves it', 'я'.repeat(70), 1, 0, true],
    ['and so does one letter', `${'a'.repeat(70)}я`, 2, 67 * 2 - 71, true],
    ['an emoji is two units', '🌿'.repeat(35), 1, 0, true],
  ])('%s', (_, text, parts, left, wide) => {
    expect(segments(text)).toEqual({ parts, left, wide })
  })
})
