import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { openBrowser, person, setUp } from './browser'
import { serve, type Server } from './server'
import { shoot } from './shots'

// npm run shots: every page in light, dark and on a phone, in e2e/shots/. To be looked at.

let server: Server
let browser: Browser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), openBrowser()])
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

test('pictures of every page', { timeout: 600_000 }, async () => {
  const { page, context } = await person(browser)
  await setUp(page, server)
  const first = async (path: string) => (await server.api<{ data: { id: string; key?: string }[] }>('GET', `${path}?limit=1`)).data[0]!
  const [thread, campaign, customer, template] = await Promise.all([first('/v1/threads'), first('/v1/campaigns'), first('/v1/customers'), first('/v1/templates')])
  const pages: Record<string, string> = {
    simulator: '/simulator',
    inbox: '/inbox',
    thread: `/inbox/${thread.id}`,
    campaigns: '/campaigns',
    campaign: `/campaigns/${campaign.id}`,
    'campaign-new': '/campaigns/new',
    templates: '/templates',
    template: `/templates/${template.key}`,
    customers: '/customers',
    customer: `/customers/${customer.id}`,
    import: '/customers/import',
    segments: '/customers/segments',
    merges: '/customers/merges',
    settings: '/settings',
  }
  for (const section of ['profile', 'agents', 'audit', 'providers', 'domains', 'topics', 'canned', 'hours', 'labels', 'assignment', 'keys', 'endpoints', 'health', 'quarantine', 'strays', 'suppressions']) pages[`settings-${section}`] = `/settings/${section}`
  const only = process.env.PAGES?.split(',')
  for (const [name, path] of Object.entries(pages)) if (!only || only.includes(name)) await shoot(browser, context, name, server.url + path)
})
