import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { axe } from './axe'
import { openBrowser, person, setUp } from './browser'
import { serve, type Server } from './server'

let server: Server
let browser: Browser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), openBrowser()])
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

test('the first five minutes: a campaign arrives on the phone, the customer answers, stops, and the guide keeps up', async () => {
  const { page, trouble } = await person(browser)
  await setUp(page, server)
  await page.waitForURL(/simulator/)
  await page.getByRole('heading', { name: 'Simulator' }).waitFor()
  expect(await axe(page)).toEqual([])

  await page.getByRole('button', { name: 'Send one for me' }).dblclick()
  const phone = page.getByRole('region', { name: /^Phone of/ })
  const chat = phone.getByRole('log')
  await page.getByText('Answer as the customer').waitFor()
  await chat.locator('time').last().waitFor()

  await phone.getByRole('textbox').fill('Does it come in <b>blue</b>? https://shop.example/blue')
  await phone.getByRole('textbox').press('Enter')
  await chat.getByText('Does it come in <b>blue</b>?').waitFor()
  await page.getByRole('link', { name: 'Open the conversation' }).waitFor()

  // A picture, as people send them; whoever answers sees it, and so does the phone.
  await phone.locator('input[type=file]').setInputFiles({ name: 'plant.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64') })
  await chat.getByRole('img', { name: 'plant.png' }).waitFor()

  const { data: campaigns } = await server.api<{ data: { name: string }[] }>('GET', '/v1/campaigns')
  expect(campaigns.filter((c) => c.name === 'My first campaign'), 'a double click is one wish').toHaveLength(1)

  const frame = page.getByRole('region', { name: /^Mailbox of/ }).locator('iframe')
  if (await frame.count()) {
    expect(await frame.getAttribute('sandbox')).not.toContain('allow-scripts')
    await frame.contentFrame().locator('body').waitFor()
  }
  await phone.getByRole('button', { name: 'STOP' }).click()
  await chat.getByText('STOP', { exact: true }).waitFor()
  expect(await axe(page)).toEqual([])
  expect(trouble).toEqual([])
})
