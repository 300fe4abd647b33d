import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { addresses, type Address } from './addresses'
import { openBrowser, person, setUp } from './browser'
import { serve, type Server } from './server'
import { looks, shoot, states } from './shots'

// npm run shots: every page in light, dark, on a phone and in Russian, in e2e/shots/. To be looked at.
// PAGES=inbox,thread LOOKS=light,phone: only these. STATES=loading,error-500,error-503,offline,empty: also what they say then.

let server: Server
let browser: Browser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), openBrowser()])
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

const only = (list: string | undefined) => (name: string) => !list || list.split(',').includes(name)

test('pictures of every page', { timeout: 600_000 }, async () => {
  const all = await addresses(server)
  const wanted = (pages: Address[]) => pages.filter((p) => only(process.env.PAGES)(p.name))
  const chosen = Object.keys(looks).filter(only(process.env.LOOKS))
  for (const look of chosen) await shoot(browser, server.url, { look, pages: wanted([...all.doors, ...all.public]).filter((p) => p.name !== 'setup') })
  const { page, context } = await person(browser)
  await page.goto(server.setup)
  await page.getByLabel('Your name').waitFor()
  if (only(process.env.PAGES)('setup')) await page.screenshot({ path: 'e2e/shots/setup-light.png' }) // open once, and only with the token
  await setUp(page, server)
  for (const look of chosen) await shoot(browser, server.url, { look, pages: wanted(all.inside), from: context })
  if (process.env.STATES) for (const state of Object.keys(states).filter(only(process.env.STATES))) await shoot(browser, server.url, { look: 'light', pages: wanted(all.inside), from: context, state })
})
