import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addresses, sections, type Address } from './addresses'
import { axe } from './axe'
import { openBrowser, person, setUp } from './browser'
import { serve, type Server } from './server'
import { routes, settled, walk } from './walk'

let server: Server
let browser: Browser
let page: Page
let context: BrowserContext
let all: Awaited<ReturnType<typeof addresses>>

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), openBrowser()])
  ;[{ page, context }, all] = await Promise.all([person(browser, { language: 'en' }), addresses(server)])
  await setUp(page, server)
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

test('no route is forgotten here', async () => {
  const known = new Set([...all.inside, ...all.doors].map((a) => a.route))
  expect((await routes(page)).filter((r) => r !== '/' && !known.has(r)), '/ only leads on').toEqual([])
  await walk(page, '/settings')
  const menu = await page.getByRole('navigation', { name: 'Settings' }).getByRole('link').evaluateAll((links) => links.map((a) => a.getAttribute('href')!.split('/').pop()!))
  expect(menu.toSorted()).toEqual(sections.toSorted())
})

/** What is wrong with the page as it stands: axe's serious findings, and whether it must be moved sideways to be read. */
async function faults(page: Page, name: string, rules?: string[]): Promise<string[]> {
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    const main = document.querySelector('main')
    return scrollWidth > clientWidth ? `${scrollWidth} px wide` : main && main.scrollWidth > main.clientWidth ? `main is ${main.scrollWidth} px wide` : ''
  })
  return [...(wide ? [wide] : []), ...(await axe(page, rules))].map((what) => `${name}: ${what}`)
}

/** Each page in light, and its colours in dark. */
async function tour(page: Page, pages: Address[], to: (page: Page, path: string) => Promise<unknown>): Promise<string[]> {
  const found: string[] = []
  for (const { name, path } of pages) {
    await to(page, path).catch((e: Error) => found.push(`${name}: ${e.message}`))
    await page.emulateMedia({ colorScheme: 'light' })
    found.push(...(await faults(page, name)))
    await page.emulateMedia({ colorScheme: 'dark' })
    found.push(...(await faults(page, `${name} (dark)`, ['color-contrast', 'link-in-text-block'])))
  }
  return found
}

const load = async (page: Page, path: string) => {
  await page.goto('about:blank') // else another fragment is no new page
  await page.goto(server.url + path)
  await settled(page)
}

test('every page has nothing serious for axe: light and dark, wide in English and on a phone in Russian', { timeout: 180_000 }, async () => {
  const phone = await person(browser, { width: 390, height: 844, language: 'ru' })
  await phone.context.addCookies(await context.cookies())
  await phone.page.goto(server.url)
  const stranger = await person(browser, { width: 390, height: 844, language: 'ru' })
  const found = await Promise.all([
    tour(page, all.inside, walk),
    tour(phone.page, all.inside, walk),
    tour(stranger.page, [...all.doors, ...all.public], load),
  ])
  expect(found.flat()).toEqual([])
  expect([...phone.trouble, ...stranger.trouble]).toEqual([])
})

/** What has the focus, how it is called, and whether it looks otherwise than without the focus. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const el = document.activeElement
    if (!el || el === document.body) return undefined
    const above = [el.parentElement, el.parentElement?.parentElement, el.parentElement?.parentElement?.parentElement] // a ring may be a row's, or a frame's
    const around = [el, ...above, el.nextElementSibling, ...(el instanceof HTMLInputElement ? (el.labels ?? []) : [])].filter((x) => x instanceof Element)
    const look = () => around.flatMap((x) => [getComputedStyle(x), getComputedStyle(x, '::after')]).map((s) => [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join()).join('|')
    const on = look()
    ;(el as HTMLElement).blur()
    const off = look()
    ;(el as HTMLElement).focus()
    el.setAttribute('data-visited', '')
    return { what: el.outerHTML.slice(0, 160), shown: on !== off, inside: !!el.closest('[role=dialog]'), again: document.activeElement === el }
  })

test('everything on a page is reached with the tabulator, in a circle, and shows that it has the focus', async () => {
  for (const path of ['/customers', '/settings/hours', `/inbox/${all.inside.find((a) => a.name === 'thread')!.path.split('/').pop()!}`]) {
    await walk(page, path)
    await page.evaluate(() => {
      ;(document.activeElement as HTMLElement | null)?.blur()
      getSelection()?.removeAllRanges()
    })
    const faint: string[] = []
    for (let i = 0; i < 250; i++) {
      await page.keyboard.press('Tab')
      const at = await focused(page)
      if (!at && i > 0) break // out of the page, into the browser's own
      if (at && !at.shown) faint.push(at.what)
    }
    expect(faint, `${path}: without a visible focus`).toEqual([])
    const missed = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, [tabindex="0"]')]
        .filter((el) => el.checkVisibility({ visibilityProperty: true }) && !el.hasAttribute('data-visited') && el.tabIndex >= 0 && !(el as HTMLButtonElement).disabled && !el.closest('[aria-hidden=true], [inert]'))
        .filter((el) => !(el instanceof HTMLInputElement && el.type === 'radio' && !el.checked)) // the arrows go to these
        .map((el) => el.outerHTML.slice(0, 160)),
    )
    expect(missed, `${path}: not reached`).toEqual([])
  }
})

test('a dialog keeps the focus, gives it back, and moves nothing for who wants no motion', async () => {
  await walk(page, '/settings/keys')
  const open = page.getByRole('button', { name: 'Create a key' }).first()
  await open.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  expect(await axe(page)).toEqual([])
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press(i % 3 ? 'Tab' : 'Shift+Tab')
    expect((await focused(page))?.inside, 'the focus stays in the dialog').toBe(true)
  }
  const moving = () => page.evaluate(() => [...document.querySelectorAll('*')].filter((el) => ((s) => parseFloat(s.transitionDuration) > 0.001 || (s.animationName !== 'none' && parseFloat(s.animationDuration) > 0.001))(getComputedStyle(el))).length)
  expect(await moving()).toBe(0)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  expect(await moving(), 'else the check would prove nothing').toBeGreaterThan(0)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await expect.poll(() => open.evaluate((el) => el === document.activeElement)).toBe(true)
})

/** What opens over a page: the page, and what is pressed one after the other, by its name. */
const overlays: [path: string, ...names: (string | RegExp)[]][] = [
  ['thread', 'Assigned to nobody'],
  ['thread', /^Priority/],
  ['thread', 'Labels'],
  ['thread', 'Labels', 'Manage labels…'],
  ['thread', 'Snooze'],
  ['thread', 'More'],
  ['thread', 'More', 'Merge into…'],
  ['thread', 'Other ways to close'],
  ['thread', /^View: /],
  ['thread', /^View: /, /Save this view/],
  ['thread', 'Filter'],
  ['thread', 'Keys (?)'],
  ['customers', 'Add customer'],
  ['customers', 'Filter', 'Add a condition'],
  ['customer', 'More actions'],
  ['customer', 'More actions', 'Edit'],
  ['customer', 'More actions', 'Merge with…'],
  ['customer', 'More actions', 'Erase…'],
  ['customer-consent', 'Record a word'],
  ['segments', 'New segment'],
  ['campaign-edit', 'Launch…'],
  ['campaign', 'More'],
  ['templates', 'New template'],
  ['template', 'Versions'],
  ['template', 'Send a test'],
  ['settings-agents', 'Invite'],
  ['settings-topics', 'Add a topic'],
  ['settings-canned', 'Add a canned reply'],
  ['settings-keys', 'Create a key'],
  ['settings-keys', 'Revoke first run'],
  ['settings-endpoints', 'Add a webhook'],
  ['settings-endpoint', 'More', 'Deliver again since…'],
  ['settings-suppressions', 'Forbid an address'],
  ['settings-suppressions', 'Import'],
  ['settings-profile', 'Switch on'],
]

test('what opens over a page has nothing serious for axe, closes with Escape and gives the focus back', { timeout: 180_000 }, async () => {
  const found: string[] = []
  const top = page.locator('[role=dialog], [role=menu]').filter({ visible: true }).last()
  for (const [name, ...names] of overlays) {
    const what = `${name}: ${names.join(' > ')}`
    await walk(page, all.inside.find((a) => a.name === name)!.path)
    try {
      let opener = page.locator('body')
      for (const [i, step] of names.entries()) {
        const here = i === 0 ? page.locator('body') : top.or(page.locator('main')).last()
        const target = here.getByRole('button', { name: step, exact: true }).or(here.getByRole('menuitem', { name: step, exact: true })).first()
        if (i === 0 || name === 'customers') opener = target
        // A menu takes the focus once it is open; before that Enter would be for whatever has it then.
        else if (await top.filter({ has: target }).and(page.getByRole('menu')).count()) await expect.poll(() => top.evaluate((el) => el.contains(document.activeElement)), { timeout: 20_000 }).toBe(true)
        await target.focus({ timeout: 20_000 })
        await page.keyboard.press('Enter')
        await (i === names.length - 1 ? top : page.locator('main')).waitFor({ timeout: 20_000 })
      }
      await top.evaluate((el) => el.setAttribute('data-top', ''))
      await page.emulateMedia({ colorScheme: 'light' })
      found.push(...(await axe(page, undefined, '[data-top]')).map((f) => `${what}: ${f}`))
      await page.emulateMedia({ colorScheme: 'dark' })
      found.push(...(await axe(page, ['color-contrast'], '[data-top]')).map((f) => `${what} (dark): ${f}`))
      await page.keyboard.press('Escape')
      if (await page.locator('[data-top] [aria-expanded=true]').count()) await page.keyboard.press('Escape') // the first closed what was open inside
      await page.locator('[data-top]').waitFor({ state: 'detached', timeout: 20_000 })
      await expect.poll(() => opener.evaluate((el) => el === document.activeElement), { message: 'the focus goes back', timeout: 20_000 }).toBe(true)
    } catch (e) {
      found.push(`${what}: ${(e as Error).message.split('\n')[0]}: focus on ${await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 160))}`)
    }
  }
  await page.emulateMedia({ colorScheme: 'light' })
  expect(found).toEqual([])
})

test('the command bar goes anywhere, finds people and what was said, and signs out', async () => {
  const bar = page.getByRole('searchbox', { name: /Find a customer/ }).or(page.getByRole('textbox', { name: /Find a customer/ }))
  const ask = async (text: string) => {
    await page.keyboard.press('Control+K')
    await bar.fill(text)
  }
  await ask('sender dom')
  await page.getByRole('button', { name: /Sender domains/ }).waitFor()
  expect(await axe(page)).toEqual([])
  await page.keyboard.press('Enter')
  await page.waitForURL(/settings\/domains/)
  await ask('olive trees')
  await page.getByRole('button', { name: /Does the discount also cover/i }).or(page.getByText(/Does the discount also cover/)).first().click()
  await page.waitForURL(/inbox\/thr_.*entry=/)
  await ask('oliver')
  await page.getByText('oliver.clarke@example.com').first().waitFor()
  await bar.fill('sign o')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
})
