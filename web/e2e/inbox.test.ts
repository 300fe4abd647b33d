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
    server = await serve({ demo: false, on, env: { RAPPORT_PRICES_CURRENCY: 'EUR', RAPPORT_PRICES_EMAIL: '2', RAPPORT_PRICES_SMS: '7.5' } })
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

  test('an agent writes first: from the customer, on the channel that is chosen, with files; the answer comes into it', async () => {
    const { page } = olga
    await server.api('PUT', '/v1/providers/mails', { driver: 'sandbox', channel: 'email', priority: 0, settings: {} })
    await server.api('PUT', '/v1/customers/ext:writes', { name: 'Wilma Writes', locale: 'en', addresses: [{ channel: 'email', address: 'wilma@example.com', primary: true }, { channel: 'email', address: 'wilma.work@example.com' }, { channel: 'sms', address: '+37120000105' }] })
    await says('+37120000105', 'STOP')
    const { id: customer } = await server.api<{ id: string }>('GET', '/v1/customers/ext:writes')
    await page.goto(`${server.url}/customers/${customer}`)
    await page.getByRole('link', { name: 'Send a message' }).click()
    const text = page.getByLabel('Your message', { exact: true })
    await text.fill('It has come.')
    await page.getByRole('button', { name: 'Channel: Email' }).click()
    expect(await page.getByRole('menuitemradio', { name: /SMS.*suppressed/ }).isDisabled()).toBe(true)
    await page.getByRole('menuitemradio', { name: /Email.*€0.02 a message/ }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^To:/ }).click()
    await page.getByRole('menuitemradio', { name: 'wilma.work@example.com' }).click()
    expect(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true) // a mail has a subject
    await page.getByLabel('Subject').fill('Your order')

    // Dropped: one that goes, one that is too large; pasted: a picture.
    await page.evaluate(() => {
      const bring = (kind: 'drop' | 'paste', ...files: File[]) => {
        const data = new DataTransfer()
        files.forEach((f) => data.items.add(f))
        const of = { bubbles: true, cancelable: true }
        if (kind === 'drop') document.body.dispatchEvent(new DragEvent('drop', { ...of, dataTransfer: data }))
        else document.querySelector('textarea')!.dispatchEvent(new ClipboardEvent('paste', { ...of, clipboardData: data }))
      }
      bring('drop', new File(['hello'], 'invoice.txt'), new File([new Uint8Array(26 * 1024 * 1024)], 'film.mp4'))
      bring('paste', new File(['picture'], 'pasted.png', { type: 'image/png' }))
    })
    await page.getByText('is larger than the 25 MB that go by Email').waitFor()
    await page.getByRole('button', { name: 'Remove film.mp4' }).click()
    await page.getByRole('list', { name: 'Attachments' }).getByText('7 byte').waitFor()
    expect(await axe(page)).toEqual([])
    await page.getByRole('button', { name: 'Remove pasted.png' }).click()
    await text.press('Control+Enter')
    await thread(page).getByText('It has come.').waitFor()
    await page.getByText('Goes out in').waitFor({ state: 'detached' })
    const out = await until(() => server.api<{ data: { subject: string; attachments?: unknown[] }[] }>('GET', '/v1/sandbox/outbox?address=wilma.work@example.com'), (o) => o.data.length > 0)
    expect(out.data.map((m) => [m.subject, m.attachments?.length])).toEqual([['Your order', 1]])
    await says('wilma.work@example.com', 'How quick!', { channel: 'email' })
    await thread(page).getByText('How quick!', { exact: true }).waitFor()
  })

  test('labels, bulk acts, and a snooze of one’s own can be mended or undone', async () => {
    const { page } = olga
    const one = await says('+37120000106', 'Bulk one')
    const two = await says('+37120000107', 'Bulk two')
    const status = async (id: string) => (await server.api<{ status: string; labels: string[] }>('GET', `/v1/threads/${id}`)).status
    await page.goto(`${server.url}/inbox/${one.thread}`)
    await thread(page).getByText('Bulk one').waitFor()
    await page.keyboard.press('l')
    await page.getByPlaceholder('Find or make a label').fill('refund')
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Manage labels' }).click()
    await page.getByLabel('Name of refund').fill('money back')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText('1 conversation', { exact: true }).waitFor()
    await thread(page).getByText('money back').waitFor()
    await page.getByRole('button', { name: 'Delete the label money back' }).click()
    await page.getByText('1 conversation loses it.').waitFor()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await thread(page).getByText('money back').waitFor({ state: 'detached' })
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()

    await page.getByRole('button', { name: 'Snooze' }).click()
    await page.getByRole('menuitem', { name: 'Choose a time' }).click()
    await page.getByLabel('When').fill(`${new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)}T10:00`)
    await page.getByRole('button', { name: 'Set' }).click()
    await page.getByText('Snoozed.').getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => status(one.thread)).toBe('open')

    for (const { thread: id } of [one, two]) await page.locator(`[data-row="${id}"]`).locator('xpath=..').getByRole('checkbox').check({ force: true })
    await page.getByRole('toolbar').getByRole('button', { name: 'Resolve' }).click()
    await page.getByText('2 conversations changed.').getByRole('button', { name: 'Undo' }).click()
    await expect.poll(async () => [await status(one.thread), await status(two.thread)]).toEqual(['open', 'open'])
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
