import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { axe } from './axe'
import { openBrowser, person, setUp } from './browser'
import { serve, type Server } from './server'

let server: Server
let browser: Browser
let page: Page
let trouble: string[]

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), openBrowser()])
  ;({ page, trouble } = await person(browser))
  await setUp(page, server)
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

/** The mail in its frame, with the styles that it brings along. Seen from outside: within the frame no script runs. */
async function mailShows(text: string) {
  await page.waitForFunction((text) => {
    const mail = document.querySelector<HTMLIFrameElement>('iframe[src="/frame.html"]')?.contentDocument
    return mail?.body?.innerText.includes(text) && mail.defaultView?.getComputedStyle(mail.body).margin === '0px'
  }, text)
}

// Two who agreed, one who did not, and a row that nobody can be sent anything by.
const people = `customer_id,Full name,E-mail,Phone,consent.email.promotions,consent.sms.promotions,percent,until,url
w-1,Anna Kalniņa,anna.kalnina@example.com,,granted,,25,2027-12-31,https://shop.example/sale
w-2,Peter Stone,,+37120000991,,granted,20,2027-12-31,https://shop.example/sale
w-3,"Ruiz, Clara",clara.ruiz@example.com,,,,20,2027-12-31,https://shop.example/sale
,Nobody,not-an-address,,granted,,10,2027-12-31,https://shop.example/sale
`

test('a campaign from a dropped file: built, tried, launched, watched, and nobody is missing from its ledger', async () => {
  await page.goto(`${server.url}/campaigns`)
  await page.getByRole('link', { name: 'New campaign' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('Winter sale')
  await page.locator('input[type=file]').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(people) })
  expect(await page.getByRole('combobox', { name: 'Field for E-mail' }).inputValue()).toBe('email')
  expect(await page.getByRole('combobox', { name: 'Field for percent' }).inputValue()).toBe('data.percent')
  expect(await page.getByText('Ruiz, Clara').isVisible(), 'the first rows are shown').toBe(true)
  await page.getByLabel('Wording').fill('2026-01')
  await page.getByRole('radio', { name: /^promotion/ }).click()
  await page.waitForURL(/\/campaigns\/cmp_.*\/edit/)
  await page.getByRole('button', { name: 'Add recipients' }).click() // the file waited while the draft was made

  const dry = page.getByRole('complementary', { name: 'Dry run' })
  await dry.getByText('messages would go out').waitFor()
  await dry.getByText('No consent for this topic').waitFor()
  await dry.getByText('Refused rows').waitFor()
  await mailShows('25%')
  expect(await axe(page)).toEqual([])

  // The order of channels by keyboard, and a reload finds the draft as it was.
  await page.getByRole('button', { name: 'Move SMS up' }).press('Enter')
  await page.getByText('SMS is now number 1').waitFor({ state: 'attached' })
  await page.getByText('Saved as a draft').waitFor()
  await page.reload()
  await page.getByText('messages would go out').waitFor()
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Winter sale')
  expect(await page.getByRole('button', { name: 'Move SMS up' }).isDisabled()).toBe(true)

  await page.getByRole('button', { name: 'Launch…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('2 messages go out.').waitFor()
  expect(await axe(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Launch now' }).click()

  await page.getByText('3 of 3 settled').waitFor()
  const said = await server.api<{ data: { source: string; text_version: string }[] }>('GET', '/v1/customers/ext:w-1/consents')
  expect(said.data).toMatchObject([{ source: 'import', text_version: '2026-01' }])
  await page.getByText('Finished', { exact: true }).first().waitFor()
  const ledger = await page.getByRole('region', { name: 'Ledger' }).getByRole('row').allInnerTexts()
  const numbers = Object.fromEntries(ledger.map((row) => row.split('\t').map((cell) => cell.trim())).map(([state, n]) => [state, Number(n)]))
  const { Planned: planned, ...states } = numbers
  expect(Object.keys(states)).toHaveLength(10)
  expect(Object.values(states).reduce((a, b) => a! + b!, 0)).toBe(planned)
  expect(numbers).toMatchObject({ Planned: 3, Delivered: 2, Skipped: 1 })
  await page.getByText('adds up').waitFor()
  await page.getByText('Besides, 1 of 4 recipients').waitFor()
  expect(await axe(page)).toEqual([])

  // Who was skipped, and why.
  await page.getByRole('button', { name: 'Show messages: Skipped' }).click()
  const row = page.getByRole('listitem').filter({ hasText: 'Ruiz, Clara' })
  await row.getByText('No consent for this topic').waitFor()
  await row.getByRole('button', { name: 'Why?' }).click()
  await page.getByText('needs consent, and there is none').waitFor()
  await page.getByText('Would be skipped').waitFor()
  expect(await axe(page)).toEqual([])
})

test('an answer comes in while the page is open, with what it means and the way to its thread', async () => {
  await page.goto(`${server.url}/campaigns`)
  await page.getByRole('link', { name: 'Winter sale' }).click()
  await page.getByText('Nobody has answered yet').waitFor()
  await server.api('POST', '/v1/sandbox/replies', { channel: 'sms', address: '+37120000991', text: 'How long does delivery take?' })
  const reply = page.getByRole('link', { name: /How long does delivery take/ })
  await reply.waitFor()
  expect(await reply.getAttribute('href')).toMatch(/^\/inbox\/thr_/)
  await page.getByText('Question', { exact: true }).first().waitFor()
})

test('a campaign that waits is paused, goes on and is cancelled, each after a question; its copy is a draft that can be deleted', async () => {
  const made = await server.api<{ id: string }>('POST', '/v1/campaigns', { name: 'Later', purpose: 'marketing', topic: 'promotions', template: 'promotion', audience: { everyone: true }, data: { percent: 5, until: '2027-12-31', url: 'https://shop.example/sale' }, send_at: new Date(Date.now() + 3_600_000).toISOString() })
  await page.goto(`${server.url}/campaigns/${made.id}`)
  await page.getByText('Scheduled', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click()
  await page.getByText('Scheduled', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Cancel campaign' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel campaign' }).click()
  await page.getByText('Cancelled', { exact: true }).first().waitFor()

  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Duplicate' }).click()
  await page.waitForURL(/edit/)
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Later (copy)')
  await page.goto(`${server.url}/campaigns?status=draft`)
  await page.getByRole('button', { name: 'What to do with Later (copy)' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('No campaign matches').waitFor()
  expect(trouble).toEqual([])
})

test('a draft is for a segment, then for everyone once the word is typed, within hours of each one’s own zone', async () => {
  await server.api('POST', '/v1/segments', { key: 'winter', name: 'Winter people', filter: { field: 'locale', op: 'in', value: ['ru'] } })
  await page.goto(`${server.url}/campaigns/new`)
  await page.getByLabel('Name', { exact: true }).fill('For whom')
  await page.getByRole('radio', { name: /^promotion/ }).click()
  await page.waitForURL(/\/campaigns\/cmp_.*\/edit/)
  const draft = new URL(page.url()).pathname.split('/')[2]!
  for (const [name, value] of [['percent', '20'], ['until', '2027-12-31'], ['url', 'https://shop.example/sale']] as const) await page.getByLabel(name, { exact: true }).fill(value)
  await page.getByRole('radio', { name: /^A segment/ }).click()
  await page.getByRole('combobox', { name: 'A segment' }).click()
  await page.getByRole('option', { name: 'Winter people' }).click()
  const dry = page.getByRole('complementary', { name: 'Dry run' })
  await dry.getByText('messages would go out').waitFor()
  const sends = async () => Number(/([\d,]+)\s+messages? would go out/.exec(await dry.innerText())?.[1]?.replace(',', '') ?? 0)
  await expect.poll(sends, { timeout: 10_000 }).toBeGreaterThan(0)
  const some = await sends()

  await page.getByRole('radio', { name: /^Everyone/ }).click()
  await page.getByRole('button', { name: 'Choose everyone…' }).click()
  const sure = page.getByRole('dialog').getByRole('button', { name: 'Choose everyone' })
  expect(await sure.isDisabled()).toBe(true)
  await page.getByLabel(/^Type/).fill('everyone')
  await sure.click()
  await expect.poll(sends, { timeout: 10_000 }).toBeGreaterThan(some)

  await page.getByLabel('Only within hours').click()
  await page.getByText('Saved as a draft').waitFor()
  await expect.poll(async () => (await server.api<{ send_window?: unknown }>('GET', `/v1/campaigns/${draft}`)).send_window).toMatchObject({ from: '09:00', until: '20:00', timezone: 'recipient' })
  await page.getByRole('button', { name: 'Launch…' }).click()
  await page.getByRole('dialog').getByText(/09:00–20:00/).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()

  // The list knows how each campaign does without asking for each.
  const asked: string[] = []
  page.on('request', (r) => asked.push(new URL(r.url()).pathname))
  await page.getByRole('link', { name: 'Campaigns' }).first().click()
  await page.getByText('3 of 3').waitFor()
  expect(asked.filter((p) => p.startsWith('/v1/campaigns/'))).toEqual([])
})

test('a template is made from a starter, written with a live preview, compared and tried', async () => {
  await page.goto(`${server.url}/templates`)
  await page.getByRole('button', { name: 'New template' }).click()
  await page.getByLabel('Key').fill('spring-sale')
  await page.getByRole('radio', { name: /^promotion/ }).click()
  await page.getByRole('button', { name: 'Create' }).click()
  await page.waitForURL(/\/templates\/spring-sale/)
  await mailShows('20%')
  expect(await axe(page)).toEqual([])

  await page.getByRole('button', { name: 'Write SMS, en' }).click()
  await page.getByRole('textbox', { name: 'Text', exact: true }).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.press('Enter')
  await page.keyboard.type('{{ data.shop | louder }}')
  // What is wrong stands at its line, and the variant is marked.
  await page.locator('.cm-why').getByText('unknown filter "louder"').waitFor()
  await page.getByRole('button', { name: /^Write SMS, en: .*, a mistake in it/ }).waitFor()
  await page.keyboard.press('Shift+Home')
  await page.keyboard.press('Delete')
  await page.keyboard.type('{{ data.shop }}')
  await page.locator('.cm-why').waitFor({ state: 'detached' })
  await page.getByText('1 variable is missing').waitFor()
  await page.getByText(/segments? · \d+ characters/).waitFor()
  await page.getByLabel('Variables').fill('{"percent": 20, "until": "2027-12-31", "url": "https://shop.example/s", "shop": "Riga"}')
  await page.getByText('1 variable is missing').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved as version 2.').waitFor()

  await page.getByRole('button', { name: 'Versions' }).click()
  await page.getByText('SMS, en: text').waitFor()
  expect(await axe(page)).toEqual([])
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByLabel('To', { exact: true }).fill('+37120000992')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('On its way.').waitFor()
  for (const until = Date.now() + 20_000; ; await page.waitForTimeout(100)) {
    const { data } = await server.api<{ data: { text?: string }[] }>('GET', '/v1/sandbox/outbox?address=%2B37120000992')
    if (data.some((m) => JSON.stringify(m).includes('Riga'))) break
    expect(Date.now()).toBeLessThan(until)
  }
  expect(trouble).toEqual([])
})
