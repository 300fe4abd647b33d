import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { person } from './browser'

const looks = {
  light: { width: 1440, height: 900 },
  dark: { width: 1440, height: 900, dark: true },
  phone: { width: 390, height: 844 },
} as const

/** Pictures of a page in e2e/shots/: light, dark and on a phone, seen by whoever is signed in in the context. */
export async function shoot(browser: Browser, from: BrowserContext, name: string, url: string, prepare?: (page: Page, look: keyof typeof looks) => Promise<unknown>) {
  mkdirSync('e2e/shots', { recursive: true })
  const cookies = await from.cookies()
  for (const [look, size] of Object.entries(looks)) {
    const { context, page } = await person(browser, size)
    await context.addCookies(cookies)
    await page.goto(url)
    await page.getByRole('navigation').first().waitFor()
    await settled(page)
    await prepare?.(page, look as keyof typeof looks)
    await settled(page)
    await page.screenshot({ path: `e2e/shots/${name}-${look}.png` })
    await context.close()
  }
}

/** Nothing is loading any more. The event stream never ends, so the network is no sign. */
async function settled(page: Page) {
  await page.waitForFunction(() => document.querySelectorAll('[role=status][aria-label]').length === 0, undefined, { timeout: 5_000 }).catch(() => {})
  await page.waitForTimeout(250)
}
