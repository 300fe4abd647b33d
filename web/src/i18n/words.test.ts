import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const here = new URL('.', import.meta.url)
const read = (language: string, file: string): unknown => JSON.parse(readFileSync(new URL(`${language}/${file}`, here), 'utf8'))

/** Keys as paths, plural forms as one. */
function keys(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path.replace(/_(zero|one|two|few|many|other)$/, '')]
  return Object.entries(value).flatMap(([k, v]) => keys(v, path ? `${path}.${k}` : k))
}

function texts(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]]
  return Object.entries(value).flatMap(([k, v]) => texts(v, path ? `${path}.${k}` : k))
}

describe.each(readdirSync(new URL('en', here)))('%s', (file) => {
  it('says the same things in both languages', () => {
    const [en, ru] = ['en', 'ru'].map((language) => [...new Set(keys(read(language, file)))].sort())
    // What drivers' settings are called in English stands in the API; a test of the API holds that each has Russian words.
    if (file === 'drivers.json') expect(ru).toEqual(expect.arrayContaining(en!))
    else expect(ru).toEqual(en)
  })

  it('has every plural form that the language needs', () => {
    for (const language of ['en', 'ru']) {
      const all = new Set(texts(read(language, file)).map(([k]) => k))
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories
      for (const key of all)
        if (/_(one|other)$/.test(key)) for (const form of forms) expect(all, `${language} ${key}`).toContain(key.replace(/_(one|other)$/, `_${form}`))
    }
  })

  it('fills in the same values', () => {
    const english = new Map(texts(read('en', file)))
    for (const [key, text] of texts(read('ru', file))) {
      const twin = english.get(key) ?? english.get(key.replace(/_(few|many)$/, '_other'))
      const values = (s: string) => [...new Set(s.match(/{{\s*\w+/g) ?? [])].filter((v) => !/count$/.test(v)).sort()
      if (twin !== undefined) expect(values(text), key).toEqual(values(twin))
    }
  })
})
