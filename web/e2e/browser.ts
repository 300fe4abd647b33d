import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import type { Server } from './server'

const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))

export const owner = { name: 'Olga Owner', email: 'olga@shop.example', password: 'a quiet green meadow' }

/** Chromium without its own errands to the network. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
}

export type Look = { width?: number; height?: number; dark?: boolean; language?: 'en' | 'ru' }

/** A person's own browser window. What the page complains about, and what its policy had to stop, is kept in `trouble`. */
export async function person(browser: Browser, { width = 1440, height = 900, dark = false, language = 'en' }: Look = {}): Promise<{ context: BrowserContext; page: Page; trouble: string[] }> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale: language === 'ru' ? 'ru-RU' : 'en-GB', timezoneId: 'Europe/Riga', reducedMotion: 'reduce' })
  const page = await context.newPage()
  return { context, page, trouble: watch(page) }
}

function watch(page: Page): string[] {
  const trouble: string[] = []
  page.on('pageerror', (e) => trouble.push(`error: ${e.message}`))
  page.on('console', (m) => {
    const text = m.text()
    // What a server says that is stopped on purpose, and refusals that a test asks for, are not the page's fault.
    if (m.type() === 'error' && !/Failed to load resource|net::ERR_/.test(text)) trouble.push(`console: ${text}`)
  })
  return trouble
}

/** The first owner, through the link that the server printed. */
export async function setUp(page: Page, server: Server, who = owner) {
  await page.goto(server.setup)
  await page.getByLabel('Your name').fill(who.name)
  await page.getByLabel('Email').fill(who.email)
  await page.getByLabel('New password').fill(who.password)
  await page.getByRole('button', { name: 'Begin' }).click()
  await page.getByRole('navigation').waitFor()
}

export async function signIn(page: Page, server: Server, who: { email: string; password: string } = owner) {
  await page.goto(`${server.url}/sign-in`)
  await page.getByLabel('Email').fill(who.email)
  await page.getByLabel('Password').fill(who.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation').waitFor()
}

/** A colleague who accepts an invitation in a window of their own. */
export async function invite(browser: Browser, server: Server, who: { name: string; email: string; password: string; role: string }, look: Look = {}) {
  const made = await server.api<{ link: string }>('POST', '/v1/agents', { name: who.name, email: who.email, role: who.role })
  const window = await person(browser, look)
  await window.page.goto(made.link)
  await window.page.getByLabel('New password').fill(who.password)
  await window.page.getByRole('button', { name: 'Join' }).click()
  await window.page.getByRole('navigation').waitFor()
  return window
}
