import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Address } from './addresses'
import { person, type Look } from './browser'
import { settled, walk } from './walk'

/** What each page is looked at in. Russian, since its words are the longer ones. */
export const looks: Record<string, Look> = {
  light: {},
  dark: { dark: true },
  phone: { width: 390, height: 844 },
  'phone-dark': { width: 390, height: 844, dark: true, language: 'ru' },
  ru: { language: 'ru' },
}

/** What may happen to the requests of a page that is there already. */
export const states: Record<string, (page: Page) => Promise<unknown>> = {
  loading: (page) => page.route(data, () => {}),
  'error-500': (page) => page.route(data, (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ type: '/docs#error-internal', title: 'Internal error', status: 500, detail: 'Something went wrong on our side.', request_id: 'req_example' }) })),
  'error-503': (page) => page.route(data, (route) => route.fulfill({ status: 503, contentType: 'text/html', body: '<h1>503</h1>' })), // a proxy's own
  offline: (page) => page.route(/\/v1\//, (route) => route.abort('internetdisconnected')),
  empty: (page) => page.route(data, (route) => (route.request().method() === 'GET' && /\/v1\/(?!hours)[a-z]+\?/.test(route.request().url() + '?') ? route.fulfill({ json: { data: [], next_cursor: null } }) : route.continue())),
}
const data = /\/v1\/(?!session$|events|system|threads\/counts)/

type How = { look: string; pages: Address[]; from?: BrowserContext; state?: string }

/** Pictures of pages in e2e/shots/. Inside of the app it walks, elsewhere each page is loaded; `from` lends its session. */
export async function shoot(browser: Browser, url: string, { look, pages, from, state }: How) {
  mkdirSync('e2e/shots', { recursive: true })
  const { context, page } = await person(browser, looks[look])
  if (from) {
    await context.addCookies(await from.cookies())
    await page.goto(`${url}/settings`)
    await settled(page)
  }
  if (state) await states[state]!(page)
  for (const { name, path } of pages) {
    try {
      if (from) await walk(page, path, state !== 'loading')
      else await page.goto('about:blank').then(() => page.goto(url + path)).then(() => settled(page))
    } catch (e) {
      console.warn(`${name} (${state ?? look}): ${(e as Error).message}`) // a picture of what hangs is worth more than none
    }
    await page.waitForTimeout(300) // pictures and charts
    await page.screenshot({ path: `e2e/shots/${name}-${state ?? look}.png` })
  }
  await context.close()
}
