import type { Page } from 'playwright-core'

/** Walks to another page as a link would, without loading the app anew, and, where the whole page is wanted, waits until nothing on it is on its way. */
export async function walk(page: Page, path: string, whole = true) {
  await page.evaluate((path) => (window as unknown as Window & { __TSR_ROUTER__: { history: { push: (path: string) => void } } }).__TSR_ROUTER__.history.push(path), path)
  await page.waitForFunction((path) => {
    const { state } = (window as unknown as Window & { __TSR_ROUTER__: { state: { status: string; resolvedLocation?: { pathname: string } } } }).__TSR_ROUTER__
    return state.status === 'idle' && state.resolvedLocation?.pathname === path.replace(/[?#].*/, '')
  }, path)
  if (whole) await settled(page)
}

/** Nothing is loading any more. The event stream never ends, so the network is no sign. */
export async function settled(page: Page) {
  await page.waitForFunction(() => document.querySelector('main, form, h1') && ![...document.querySelectorAll('[role=status][aria-label], .mantine-Skeleton-root, .mantine-Loader-root')].some((el) => el.checkVisibility()), undefined, { timeout: 20_000 })
}

/** The routes that the app itself knows, by their full path. */
export const routes = (page: Page): Promise<string[]> => page.evaluate(() => Object.keys((window as unknown as Window & { __TSR_ROUTER__: { routesByPath: Record<string, unknown> } }).__TSR_ROUTER__.routesByPath))
