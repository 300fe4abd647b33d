import { readFileSync } from 'node:fs'
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

const sheet = [
  'Customer ID;E-mail;Full name;Language;Tier;consent.email.news',
  'n-1;nora@shop.example;"Nora ""N"" Kalniņa";lv;amber;granted',
  'n-2;not an address;Broken Mail;lv;;',
  'n-3;oskars@shop.example;Oskars Liepa;lv;silver;maybe',
  ';;Nobody At All;lv;;',
  'n-5;petra@shop.example;Petra Zāle;de;amber;withdrawn',
  'n-6;petra+sale@shop.example;Petra Z.;de;;',
].join('\n')

test('a file with bad rows is imported, and says which rows it refused and why', async () => {
  await page.goto(`${server.url}/customers/import`)
  await page.locator('input[type=file]').setInputFiles({ name: 'shop.csv', mimeType: 'text/csv', buffer: Buffer.from(sheet) })
  await page.getByText('Nora "N" Kalniņa').waitFor()
  expect(await page.getByRole('combobox', { name: 'What “Tier” becomes' }).inputValue()).toBe('attr.tier')
  expect(await axe(page)).toEqual([])
  await page.getByLabel('Wording').fill('2026-01')
  await page.getByRole('button', { name: 'Import', exact: true }).click()
  await page.getByRole('heading', { name: '3 rows were refused' }).waitFor()
  expect(await axe(page)).toEqual([])
  const refused = page.getByRole('table', { name: 'Refused rows' })
  expect(await refused.getByRole('row').count()).toBe(4)
  await refused.getByText('email is not an email address').waitFor()
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download as CSV' }).click()])
  const lines = readFileSync(await file.path(), 'utf8').trim().split('\n')
  expect(lines[0]).toBe('line,reason,Customer ID,E-mail,Full name,Language,Tier,consent.email.news')
  expect(lines.slice(1).map((l) => l.replace(/^\d+,("[^"]*"|[^,]*),/, ''))).toEqual(['n-2,not an address,Broken Mail,lv,,', 'n-3,oskars@shop.example,Oskars Liepa,lv,silver,maybe', ',,Nobody At All,lv,,'])

  // Mended, the same file goes in again.
  await page.getByRole('button', { name: 'Import another file' }).click()
  await page.locator('input[type=file]').setInputFiles({ name: 'refused.csv', mimeType: 'text/csv', buffer: Buffer.from(`${lines[0]}\n${lines[1]!.replace('not an address', 'mended@shop.example')}\n`) })
  await page.getByRole('button', { name: 'Import', exact: true }).click()
  await page.getByRole('heading', { name: 'Imported' }).waitFor()
  expect(await page.getByRole('heading', { name: /refused/ }).count()).toBe(0)
})

test('a customer is found by search and by a filter, which is saved as a segment', async () => {
  await page.getByRole('link', { name: 'See the customers' }).click()
  await page.getByLabel('Name, address or your own id').fill('nora@shop')
  await page.getByRole('status').filter({ hasText: /^1 customer$/ }).waitFor()
  expect(await axe(page)).toEqual([])
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByRole('button', { name: 'Add a condition' }).click()
  await page.getByRole('menuitem', { name: 'Attribute' }).click()
  await page.getByLabel('Attribute', { exact: true }).and(page.getByRole('textbox')).fill('tier')
  await page.getByLabel('Value').fill('amber')
  await page.getByRole('status').filter({ hasText: /^2 customers$/ }).waitFor()
  await page.getByRole('button', { name: 'Save as a segment' }).click()
  await page.getByRole('textbox', { name: 'Name' }).last().fill('Amber tier')
  await page.getByText('2 customers', { exact: true }).last().waitFor()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.waitForURL(/segment=amber-tier/)
  await page.getByRole('link', { name: 'Segments' }).click()
  await page.getByText('tier is amber').waitFor()
  expect(await axe(page)).toEqual([])
})

test('a consent is changed, and the history keeps what was said before', async () => {
  await page.goto(`${server.url}/customers?q=nora%40shop`)
  await page.getByRole('link', { name: /Nora/ }).click()
  await page.getByRole('tab', { name: 'Consent' }).click()
  await page.getByRole('button', { name: /news, Email: Granted/ }).click()
  await page.getByLabel('Where it was said').fill('telephone')
  await page.getByRole('textbox', { name: 'Wording' }).fill('2026-02')
  await page.getByLabel('Proof').fill('recording 771')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('button', { name: /news, Email: Withdrawn/ }).waitFor()
  const history = page.getByRole('table', { name: 'Everything that was said' })
  await history.getByText('recording 771').waitFor()
  await history.getByText('wording 2026-01').waitFor()
  expect(await history.getByRole('row').count()).toBe(3)
  expect(await axe(page)).toEqual([])
})

test('attributes are edited one by one, each as what it is', async () => {
  await page.getByRole('button', { name: 'Edit attributes' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Value of tier').fill('gold')
  await dialog.getByRole('button', { name: 'Add an attribute' }).click()
  await dialog.getByRole('textbox', { name: 'Name' }).last().fill('points')
  await dialog.getByLabel('Value of points').fill('12')
  expect(await axe(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('complementary').getByText('points').waitFor()
  expect((await server.api<{ attributes: unknown }>('GET', '/v1/customers/ext:n-1')).attributes).toEqual({ tier: 'gold', points: 12 })
})

test('two customers are merged and made two again, and each has its own timeline', async () => {
  const [petra, other] = await Promise.all(['n-5', 'n-6'].map((id) => server.api<{ id: string }>('GET', `/v1/customers/ext:${id}`)))
  await server.api('POST', '/v1/events', { id: 'e-1', type: 'visit', customer: other!.id, properties: { page: 'sale' } })
  const kept = (await server.api<{ data: unknown[] }>('GET', `/v1/customers/${other!.id}/timeline`)).data
  expect(kept.length).toBeGreaterThan(0)

  await page.goto(`${server.url}/customers/merges`)
  await page.getByText('The same mailbox, written in two ways').waitFor()
  expect(await axe(page)).toEqual([])
  await page.getByRole('button', { name: /Look and merge: Petra/ }).click()
  await page.getByText('1 event.').or(page.getByText('0 events.')).waitFor()
  expect(await axe(page)).toEqual([])
  await page.getByRole('button', { name: 'Merge', exact: true }).click()
  await page.waitForURL(new RegExp(petra!.id))
  await page.getByText('Event visit').waitFor()
  await page.getByRole('complementary').getByText('petra+sale@shop.example').waitFor()
  expect(await axe(page)).toEqual([])

  await page.goto(`${server.url}/customers/merges`)
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click()
  await page.getByText(/Undone by/).waitFor()
  expect((await server.api<{ data: unknown[] }>('GET', `/v1/customers/${other!.id}/timeline`)).data).toEqual(kept)
  await page.goto(`${server.url}/customers/${petra!.id}`)
  await page.getByRole('complementary').getByText('petra@shop.example').waitFor()
  expect(await page.getByText('Event visit').count()).toBe(0)
})

test('erasing asks for the name, and then nothing of the person is left', async () => {
  await page.goto(`${server.url}/customers?q=petra%2B`)
  await page.getByRole('link', { name: /Petra Z\./ }).click()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Erase…' }).click()
  const erase = page.getByRole('button', { name: 'Erase for good' })
  expect(await erase.isDisabled()).toBe(true)
  await page.getByLabel(/Type/).fill('Petra Z.')
  await erase.click()
  await page.waitForURL(/\/customers$/)
  await page.getByLabel('Name, address or your own id').fill('petra+')
  await page.getByText('Nobody found').waitFor()
  expect(trouble).toEqual([])
})
