import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server as HTTP } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { axe } from './axe'
import { invite, openBrowser, owner, person, setUp, signIn } from './browser'
import { serve, type Server } from './server'

let server: Server
let browser: Browser
let page: Page
let trouble: string[]

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve({ env: { RAPPORT_ENDPOINTS_ALLOW_NETWORKS: '127.0.0.0/8' } }), openBrowser()])
  ;({ page, trouble } = await person(browser))
  await setUp(page, server)
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

const open = async (section: string, name: string, on = page) => {
  await on.goto(`${server.url}/settings/${section}`)
  await on.getByRole('heading', { level: 1, name }).waitFor()
}

/** The code of an authenticator app: RFC 6238 with SHA-1, six digits, a step of 30 seconds. */
function totp(secret: string, step = 0): string {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g)!.map((b) => parseInt(b, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step))
  const mac = createHmac('sha1', key).update(counter).digest()
  return String((mac.readUInt32BE(mac.at(-1)! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Somebody's server: keeps what it is sent. */
async function receiver(): Promise<{ http: HTTP; url: string; got: { type: string; signed: boolean }[] }> {
  const got: { type: string; signed: boolean }[] = []
  const http = createServer((request: IncomingMessage, answer) => {
    let body = ''
    request.on('data', (b: Buffer) => (body += b.toString()))
    request.on('end', () => {
      got.push({ type: (JSON.parse(body) as { type: string }).type, signed: /^v1,/.test(String(request.headers['webhook-signature'])) })
      answer.end('thanks')
    })
  })
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
  return { http, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`, got }
}

test('an API key is made, used and revoked', async () => {
  await open('keys', 'API keys')
  await page.getByRole('button', { name: 'Create a key' }).first().click()
  const form = page.getByRole('dialog', { name: 'Create a key' })
  await form.getByLabel('Name').fill('Shop')
  expect(await form.getByRole('button', { name: 'Create' }).isDisabled(), 'a key without scopes opens nothing').toBe(true)
  await form.getByLabel('read:topics').click()
  expect(await axe(page)).toEqual([])
  await form.getByRole('button', { name: 'Create' }).click()
  const made = page.getByRole('dialog', { name: 'The key is ready' })
  const key = await made.getByLabel('Shop').inputValue()
  const ask = (path: string) => fetch(server.url + path, { headers: { Authorization: `Bearer ${key}` } }).then((r) => r.status)
  expect([await ask('/v1/topics'), await ask('/v1/customers')]).toEqual([200, 403])
  await made.getByRole('button', { name: 'Done' }).click()

  await page.getByRole('button', { name: 'Revoke Shop' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('Key revoked').waitFor()
  await expect.poll(() => ask('/v1/topics')).toBe(401)
  expect(await page.getByText(key).count(), 'the key is shown once').toBe(0)
})

test('a provider is made from the form of its kind and tested', async () => {
  await open('providers', 'Providers')
  await page.getByRole('link', { name: 'Add a provider' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'New provider' }).waitFor()
  await page.getByRole('combobox', { name: 'Kind' }).click()
  await page.getByRole('option', { name: /^Email: SMTP/ }).click()
  await page.getByLabel(/^Name/).fill('relay')
  await page.getByLabel(/^Host/).first().fill('127.0.0.1')
  await page.getByLabel(/^Port/).first().fill('1')
  await page.getByLabel(/^Username/).first().fill('shop')
  await page.getByLabel(/^Password/).first().fill('not for anybody’s eyes')
  await page.getByRole('combobox', { name: /^TLS/ }).first().click()
  await page.getByRole('option', { name: 'none' }).click()
  await page.getByLabel(/^From/).first().fill('nobody')
  await page.getByRole('button', { name: 'Add the provider' }).click()
  await page.locator('[aria-invalid=true]').first().waitFor() // the server's refusal stands at its field
  await page.getByLabel(/^From/).first().fill('Shop <news@shop.example>')
  await page.getByRole('button', { name: 'DKIM' }).click()
  await page.getByLabel(/^Selector/).first().waitFor()
  await page.getByRole('button', { name: 'Add the provider' }).click()
  await page.getByRole('heading', { level: 1, name: 'relay' }).waitFor()
  expect(await page.getByLabel(/^Password/).first().inputValue(), 'a secret is never read back').toBe('')
  expect(await page.getByPlaceholder(/kept/).count()).toBe(1)
  expect(await axe(page)).toEqual([])

  await page.getByLabel(/^To$/).fill('me@shop.example')
  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByText('Temporary trouble').first().waitFor() // nothing listens there
  await open('domains', 'Sender domains')
  await page.getByRole('heading', { name: 'shop.example' }).waitFor()
  await open('providers/relay', 'relay')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByLabel(/Type/).fill('relay')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('heading', { level: 1, name: 'Providers' }).waitFor()
  await page.getByText('sandbox-email').waitFor()
  expect(await page.getByRole('link', { name: /^relay/ }).count()).toBe(0)
})

test('a webhook is made, hears of a test, and gets it again', async () => {
  const { http, url, got } = await receiver()
  try {
    await open('endpoints', 'Webhooks')
    await page.getByRole('button', { name: 'Add a webhook' }).first().click()
    await page.getByLabel('Address').fill(url)
    await page.getByRole('button', { name: 'Create' }).click()
    const made = page.getByRole('dialog', { name: 'The webhook is ready' })
    expect(await made.getByLabel('Signing secret').inputValue()).toMatch(/^whsec_/)
    await made.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await expect.poll(() => got).toEqual([{ type: 'endpoint.test', signed: true }])
    const line = page.getByRole('list', { name: 'Deliveries' }).getByRole('listitem')
    await line.getByText('Delivered').waitFor()
    await line.getByRole('button', { name: /Attempts of/ }).click()
    await line.getByText('HTTP 200').last().waitFor()
    await line.getByText('thanks').waitFor()
    expect(await axe(page)).toEqual([])
    await line.getByRole('button', { name: 'Deliver again' }).click()
    await expect.poll(() => got.length).toBe(2)
  } finally {
    http.close()
  }
})

test('a list of addresses is forbidden at once, and what is no address stops nothing', async () => {
  await open('suppressions', 'Suppressions')
  await page.getByRole('button', { name: 'Import' }).click()
  const form = page.getByRole('dialog', { name: 'Import' })
  await form.getByLabel('Addresses').fill('Email,why\n"gone@shop.example",bounced\nnobody\nGONE@shop.example\nangry@shop.example')
  await form.getByRole('button', { name: 'Forbid 4 addresses' }).click()
  await form.getByText('3 addresses are forbidden.').waitFor()
  await form.getByText(/^nobody: /).waitFor()
  expect(await axe(page)).toEqual([])
  await form.getByRole('button', { name: 'Done' }).click()
  await page.getByText('angry@shop.example').waitFor()
  expect(await page.getByText('gone@shop.example').count()).toBe(1)
})

test('a provider’s form speaks Russian', async () => {
  const { page: theirs, context } = await person(browser, { language: 'ru' })
  await context.addCookies(await page.context().cookies())
  await theirs.goto(`${server.url}/settings/providers/+`)
  await theirs.getByLabel(/^Сервер/).first().waitFor()
  await theirs.getByText('Имя или адрес почтового сервера, через который уходят письма').waitFor()
  await context.close()
})

test('a viewer sees the settings and can change nothing', async () => {
  const { page: theirs, context } = await invite(browser, server, { name: 'Viktor Viewer', email: 'viktor@shop.example', password: 'another quiet meadow', role: 'viewer' })
  for (const [section, name] of [['agents', 'Agents'], ['providers', 'Providers'], ['topics', 'Topics'], ['canned', 'Canned replies'], ['labels', 'Labels'], ['keys', 'API keys'], ['endpoints', 'Webhooks'], ['suppressions', 'Suppressions']] as const) {
    await open(section, name, theirs)
    await theirs.locator('main [role=status][aria-label]').waitFor({ state: 'detached' })
    expect(await theirs.locator('main').getByRole('button', { name: /^(Add|Edit|Invite|Create|Remove|Delete|Revoke|Forbid|Allow)/ }).count(), section).toBe(0)
    expect(await theirs.locator('main').getByRole('link', { name: /^Add/ }).count(), section).toBe(0)
  }
  await open('hours', 'Business hours', theirs)
  await theirs.getByRole('switch', { name: 'Monday' }).waitFor()
  expect(await theirs.getByRole('switch', { name: 'Monday' }).isDisabled()).toBe(true)
  await context.close()
  await open('audit', 'Audit log')
  await page.getByText('accepted the invitation').waitFor()
  expect(await axe(page)).toEqual([])
})

test('codes are switched on and asked for, and a session is ended from another browser', async () => {
  await open('profile', 'Profile and security')
  await page.getByRole('button', { name: 'Switch on' }).click()
  await page.getByLabel('Your password').fill(owner.password)
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  const secret = await page.getByLabel('Or type this secret').inputValue()
  expect(await axe(page)).toEqual([])
  await page.getByLabel('Code from the app').fill(totp(secret))
  await page.getByRole('button', { name: 'Confirm' }).click()
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')
  await codes.first().waitFor()
  expect(await codes.count()).toBe(10)
  const recovery = await codes.first().innerText()
  await page.getByLabel(/safe place/).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
  await page.getByText('10 recovery codes left').waitFor()

  const other = await person(browser)
  await other.page.goto(`${server.url}/sign-in`)
  await other.page.getByLabel('Email').fill(owner.email)
  await other.page.getByLabel('Password').fill(owner.password)
  await other.page.getByRole('button', { name: 'Sign in' }).click()
  await other.page.getByLabel('Code').fill(totp(secret, 1)) // each code is good once: the next one, which is taken a step early
  await other.page.getByRole('button', { name: 'Sign in' }).click()
  await other.page.getByRole('navigation').first().waitFor()

  await page.reload()
  const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem')
  await expect.poll(() => sessions.count()).toBe(2)
  await page.getByText('This browser', { exact: true }).waitFor()
  await page.getByRole('button', { name: /^Sign out: Chrome/ }).click()
  await page.getByText('Signed out there').waitFor()
  await expect.poll(() => sessions.count()).toBe(1)
  await expect.poll(() => other.page.evaluate(() => fetch('/v1/session').then((r) => r.status))).toBe(401)

  // The phone is lost: a recovery code opens the account, once.
  await other.page.goto(`${server.url}/sign-in`)
  await other.page.getByLabel('Email').fill(owner.email)
  await other.page.getByLabel('Password').fill(owner.password)
  await other.page.getByRole('button', { name: 'Sign in' }).click()
  await other.page.getByLabel('Code').fill(recovery)
  await other.page.getByRole('button', { name: 'Sign in' }).click()
  await other.page.getByRole('navigation').first().waitFor()
  await open('profile', 'Profile and security')
  await page.getByText('9 recovery codes left').waitFor()
  await page.getByRole('button', { name: 'Switch off' }).click()
  await page.getByLabel('Your password').fill(owner.password)
  await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click()
  await page.getByRole('button', { name: 'Switch on' }).waitFor()
  await other.context.close()
  const again = await person(browser)
  await signIn(again.page, server)
  await again.context.close()
  expect(trouble).toEqual([])
})
