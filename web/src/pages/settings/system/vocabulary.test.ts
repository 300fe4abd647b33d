import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import en from '../../../i18n/en/settings.json'
import { nouns, patterns } from './vocabulary'

const { schemas } = (JSON.parse(readFileSync('openapi.json', 'utf8')) as { components: { schemas: Record<string, { enum: string[] }> } }).components

it('offers every scope that the API has, with a word for what it is about', () => {
  const offered = ['*', 'read:*', ...nouns.flatMap(({ noun, reads, writes }) => [...(reads ? [`read:${noun}`] : []), ...(writes ? [`write:${noun}`] : [])])]
  expect(offered.sort()).toEqual([...schemas.Scope!.enum].sort())
  expect(Object.keys(en.nouns).sort()).toEqual(nouns.map((n) => n.noun).sort())
})

it('offers every type of event that the API tells of', () => {
  for (const type of schemas.EventType!.enum) expect(type === 'endpoint.test' || patterns.includes(type), type).toBe(true)
  expect(patterns).toContain('thread.*')
})
