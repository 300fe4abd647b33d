// Writes src/api/values.ts: the lists of the OpenAPI document that the app shows one by one. Types have no values at run time.
import { readFileSync, writeFileSync } from 'node:fs'

const { schemas } = JSON.parse(readFileSync('openapi.json', 'utf8')).components
const lists = { scopes: schemas.Scope, eventTypes: schemas.EventType }
const text = Object.entries(lists).map(([name, schema]) => `export const ${name} = ${JSON.stringify(schema.enum)} as const\n`)
writeFileSync('src/api/values.ts', `// Made of openapi.json by npm run types.\n${text.join('')}`)
