import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { axe } from './axe'
import { invite, openBrowser, owner, person, setUp } from './browser'
import { engines, serve, type Engine, type Server } from './server'

let browser: Browser
let server: Server
let olga: { context: BrowserContext; page: Page; trouble: string[] }

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

/** A server whose SMS go to the sandbox, and Olga's window on it. */
function desk(on: Engine) {
  beforeAll(async () => {
    server = await serve({ demo: false, on })
    await server.api('PUT', '/v1/providers/phones', { driver: 'sandbox', channel: 'sms', priority: 0, settings: {} })
    olga = await person(browser)
    await setUp(olga.page, server)
  })
  afterAll(async () => {
    expect(olga.trouble).toEqual([])
    await olga.context.close()
    await server?.close()
  })
}

type Sent = { data: { text?: string; address: string }[] }

/** The customer writes by the simulator. */
const says = (address: string, text: string, more: Record<string, unknown> = {}) => server.api<{ thread: string; entry: string }>('POST', '/v1/sandbox/replies', { channel: 'sms', address, text, ...more })

/** What customers got that holds these words. */
const got = async (words: string) => (await server.api<Sent>('GET', '/v1/sandbox/outbox?limit=200')).data.filter((m) => m.text?.includes(words))

/** How many answers of the thread say this. */
const said = async (id: string, words: string) => (await server.api<{ data: { kind: string; text: string }[] }>('GET', `/v1/threads/${id}/entries?limit=200`)).data.filter((e) => e.kind === 'outbound' && e.text === words).length

/** Asks until it is so. */
async function until<T>(ask: () => Promise<T>, fits: (t: T) => boolean): Promise<T> {
  for (const end = Date.now() + 30_000; ; await new Promise((r) => setTimeout(r, 150))) {
    const t = await ask()
    if (fits(t) || Date.now() > end) return t
  }
}

const box = (page: Page) => page.getByLabel('Your answer', { exact: true })
const thread = (page: Page) => page.getByRole('region', { name: /^Conversation with/ })

describe('alone', () => {
  desk('SQLite')

  test('what a customer writes arrives by itself and is answered, taken back, sent, noted and resolved by keyboard', async () => {
    const { page } = olga
    await page.goto(`${server.url}/inbox`)
    await page.getByRole('listitem').first().waitFor()
    const { thread: id } = await says('+37120000101', 'Is the shop open on Sunday? First.')
    const row = page.locator(`[data-row="${id}"]`)
    await row.waitFor()
    await page.keyboard.press('j')
    await page.waitForURL(new RegExp(id))
    await page.getByText('1 unread').waitFor()
    expect(await axe(page)).toEqual([])
    await page.locator(`[data-row="${id}"]`).locator('xpath=..').and(page.locator(':not([data-unread])')).waitFor()

    await page.keyboard.press('r')
    await box(page).pressSequentially('Not yet decided')
    await page.getByText('Draft saved').waitFor()
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Undo' }).click()
    expect(await until(() => box(page).inputValue(), (v) => v !== '')).toBe('Not yet decided')

    await box(page).fill('Yes, until three.')
    await page.keyboard.press('Control+Enter')
    await thread(page).getByText('Yes, until three.').waitFor()
    expect(await box(page).inputValue()).toBe('')
    expect(await until(() => got('Yes, until three.'), (m) => m.length > 0)).toHaveLength(1)
    expect(await got('Not yet decided')).toHaveLength(0)
    await page.getByRole('button', { name: 'Delivered' }).first().waitFor()

    await box(page).blur()
    await page.keyboard.press('n')
    await page.getByLabel('Your note').fill('A regular. @ol')
    await page.getByRole('option', { name: /Olga/ }).waitFor()
    await page.keyboard.press('Enter')
    expect(await page.getByLabel('Your note').inputValue()).toBe('A regular. @olga.owner ')
    await page.keyboard.press('Control+Enter')
    await thread(page).getByText('@olga.owner').waitFor()
    await page.getByLabel('Your note').blur()
    await page.keyboard.press('e')
    await page.getByText('Resolved.').waitFor()
    expect((await server.api<{ status: string }>('GET', `/v1/threads/${id}`)).status).toBe('resolved')
  })

  test('an answer whose acknowledgement is lost is sent once', async () => {
    const { page } = olga
    const { thread: id } = await says('+37120000102', 'Did you get my order?')
    await page.goto(`${server.url}/inbox/${id}`)
    await box(page).fill('We did, it is packed.')
    let tries = 0
    const keys = new Set<string>()
    await page.route('**/v1/threads/*/replies', async (route) => {
      keys.add(route.request().headers()['idempotency-key'] ?? '')
      if (++tries > 2) return route.continue()
      await route.fetch() // the server has got it
      await route.abort('connectionreset')
    })
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => thread(page).getByText('We did, it is packed.').count()).toBe(1)
    await expect.poll(() => tries).toBe(3)
    expect(keys.size).toBe(1)
    await page.waitForTimeout(500)
    await page.unroute('**/v1/threads/*/replies')
    expect(await thread(page).getByText('We did, it is packed.').count()).toBe(1)
    expect(await said(id, 'We did, it is packed.')).toBe(1)
  })
})

describe.each(engines())('on %s', (on) => {
  desk(on)

  test('two agents in one thread see each other, and whoever comes second is warned', async () => {
    const { page } = olga
    const anna = await invite(browser, server, { name: 'Anna Agent', email: 'anna@shop.example', password: 'another quiet meadow', role: 'agent' })
    const { thread: id } = await says('+37120000103', 'Two of you, please.')
    await page.goto(`${server.url}/inbox/${id}`)
    await anna.page.goto(`${server.url}/inbox/${id}`)
    await page.getByText('Anna Agent is looking at this, too').waitFor()
    await box(page).fill('I am writing')
    await anna.page.getByText(`${owner.name} is writing…`).waitFor()

    await box(anna.page).fill('Anna was quicker.')
    await anna.page.keyboard.press('Control+Enter')
    await page.getByText('Anna Agent answered since you began.').waitFor()
    await page.getByLabel('Your answer', { exact: true }).focus()
    await page.keyboard.press('Control+Enter')
    await page.getByText(/Somebody wrote while you did/).waitFor()
    expect(await said(id, 'I am writing')).toBe(0)
    await page.getByRole('button', { name: 'Send all the same' }).click()
    await expect.poll(() => said(id, 'I am writing')).toBe(1)
    expect(anna.trouble).toEqual([])
    await anna.context.close()
  })

  test('a server that is killed and started again under an open page loses nothing and doubles nothing', async () => {
    const { page } = olga
    const { thread: id } = await says('+37120000104', 'Before the crash.')
    await page.goto(`${server.url}/inbox/${id}`)
    await thread(page).getByText('Before the crash.').waitFor()
    await box(page).fill('Sent into the dark.')
    await server.stop('SIGKILL')
    await page.keyboard.press('Control+Enter')
    await page.getByText('Waits for the connection').waitFor()
    await server.start()
    await page.getByText('Waits for the connection').waitFor({ state: 'detached' })
    expect(await said(id, 'Sent into the dark.')).toBe(1)
    expect(await thread(page).getByText('Sent into the dark.').count()).toBe(1)
    await says('+37120000104', 'After the crash.')
    await thread(page).getByText('After the crash.', { exact: true }).waitFor()
  })
})
