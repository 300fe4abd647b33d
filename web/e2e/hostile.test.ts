import { createServer as listen, type AddressInfo, type Server as Listener } from 'node:net'
import { createServer } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, person, setUp } from './browser'
import { payloads } from './payloads'
import { serve, type Server } from './server'

// Everything that strangers may write, in every place that shows it: nothing runs, nothing is loaded, and it is read as it
// was written.

let server: Server
let browser: Browser
let page: Page
let context: BrowserContext
let trouble: string[]
let all: string[]
let worst: string[]
const asked: string[] = [] // what the canary was asked for
const closing: Listener[] = []

const port = async (s: Listener) => {
  await new Promise<void>((done) => s.listen(0, '127.0.0.1', done))
  closing.push(s)
  return (s.address() as AddressInfo).port
}

/** A mail relay that refuses whatever it is given: with the payload of the number that the mail names. */
const relay = () =>
  listen((s) => {
    let mail: string | undefined
    s.setEncoding('utf8')
    s.on('error', () => {})
    s.write('220 relay.example ESMTP\r\n')
    s.on('data', (chunk: string) => {
      if (mail !== undefined) {
        mail += chunk
        if (!mail.endsWith('\r\n.\r\n')) return
        const n = Number(/hostile-(\d+)-/.exec(mail)?.[1] ?? 0)
        mail = undefined
        return void s.write(`554 5.6.0 ${line(worst[n] ?? 'no')}\r\n`)
      }
      for (const command of chunk.split('\r\n').filter(Boolean)) {
        if (/^EHLO/i.test(command)) s.write('250-relay.example\r\n250 8BITMIME\r\n')
        else if (/^DATA/i.test(command)) {
          mail = ''
          s.write('354 go on\r\n')
        } else if (/^QUIT/i.test(command)) s.end('221 bye\r\n')
        else s.write('250 ok\r\n')
      }
    })
  })

/** What fits into one line: a name, a title. */
const line = (p: string) => p.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').trim()

/** For comparing what is shown: without white space, and what has no width of its own. */
const flat = (s: string) => s.normalize('NFC').replace(/[\s\p{C}]/gu, '')

/** Asks until it is so; the hook has the last word. */
async function until(ask: () => Promise<boolean>) {
  while (!(await ask())) await new Promise((r) => setTimeout(r, 100))
}

/** Asks for all of them, some at a time. */
async function each<T>(items: T[], act: (item: T, i: number) => Promise<unknown>) {
  let next = 0
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < items.length) {
      const i = next++
      await act(items[i]!, i)
    }
  }))
}

const raw = async <T>(path: string, type: string, body: string) => {
  const answer = await fetch(server.url + path, { method: 'POST', headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': type }, body })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

type Named = { data: Record<string, unknown>[]; next_cursor: string | null }

/** What the API says that there is: the words of one field of a list. */
async function words(path: string, of: (row: never) => unknown): Promise<string[]> {
  const { data } = await server.api<Named>('GET', path)
  return data.map((row) => of(row as never)).filter((x): x is string => typeof x === 'string')
}

/** Waits until the page has shown each of these, as text; lists that draw only what is in view are scrolled. */
async function shows(where: string, wanted: (string | undefined)[], scrolled = 'body') {
  let missing = [...new Set(wanted.map((w) => flat(w ?? '').slice(0, 60)).filter((w) => w.length > 1))]
  expect(missing.length, `${where} has something to show`).toBeGreaterThan(0)
  for (let [until, down] = [Date.now() + 20_000, true]; missing.length && Date.now() < until; ) {
    expect([...trouble], where).toEqual([])
    const { text, moved } = await page.evaluate(async ({ down, scrolled }) => {
      const texts: string[] = []
      const read = (d: Document) => {
        texts.push(d.body?.textContent ?? '')
        for (const x of d.querySelectorAll('input, textarea')) texts.push((x as HTMLInputElement).value)
        for (const f of d.querySelectorAll('iframe')) if (f.contentDocument) read(f.contentDocument)
      }
      read(document)
      let moved = false
      for (const x of document.querySelectorAll(`${scrolled} *`)) {
        if (x.scrollHeight <= x.clientHeight + 4 || !/auto|scroll/.test(getComputedStyle(x).overflowY)) continue
        const was = x.scrollTop
        x.scrollTop += (down ? 0.9 : -0.9) * x.clientHeight
        moved ||= x.scrollTop !== was
      }
      await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))) // no faster than anybody scrolls
      return { text: texts.join('\n'), moved }
    }, { down, scrolled })
    const have = flat(text)
    missing = missing.filter((w) => !have.includes(w))
    if (!moved) {
      down = !down
      if (missing.length) await page.waitForTimeout(60)
    }
  }
  expect(missing, where).toEqual([])
}

/** Nothing has run in the page or a frame of it, it is still our page, and nobody asked the canary. */
async function clean(where: string) {
  for (const frame of page.frames()) {
    expect(await frame.evaluate(() => (window as unknown as { hacked?: unknown }).hacked instanceof Window || (window as unknown as { hacked?: unknown }).hacked).catch(() => undefined), `${where}: it ran`).toBeUndefined()
  }
  expect(new URL(page.url()).origin, where).toBe(server.url)
  expect([...trouble], where).toEqual([])
  expect([...asked], `${where}: the canary`).toEqual([])
  expect(context.pages().length, `${where}: windows`).toBe(1)
}

async function visit(path: string, wanted: (string | undefined)[], act?: () => Promise<unknown>, scrolled?: string) {
  await page.goto(server.url + path)
  await act?.()
  await shows(path, wanted, scrolled)
  await clean(path)
}

const mailers = Array.from({ length: 8 }, (_, k) => ({ id: `m-${k}`, email: `m${k}@example.com`, sms: `+3712001${String(k).padStart(4, '0')}`, telegram: `90${k}`, thread: '' }))
let campaign: { id: string }
let drafts: { id: string }[]

beforeAll(async () => {
  const http = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`)
    answer.end()
  })
  const canary = `http://127.0.0.1:${await port(http)}`
  ;({ all, worst } = payloads(canary))
  const [smtp] = await Promise.all([port(relay()), openBrowser().then((b) => (browser = b)), serve({ demo: false, env: { RAPPORT_COMPANY_NAME: 'Shop', RAPPORT_COMPANY_POSTAL_ADDRESS: 'Riga' } }).then((s) => (server = s))])
  ;({ page, context, trouble } = await person(browser))
  page.on('dialog', (d) => {
    trouble.push(`dialog: ${d.message()}`)
    void d.dismiss()
  })
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)))
  await Promise.all([setUp(page, server), seed(smtp)])
}, 180_000)

afterAll(async () => {
  await browser?.close()
  for (const s of closing) s.close()
  await server?.close()
})

async function seed(smtp: number) {
  const { api } = server
  await api('PUT', '/v1/providers/relay', { driver: 'email', channel: 'email', priority: 0, settings: { host: '127.0.0.1', port: smtp, tls: 'none', from: 'Shop <news@shop.example>' } })
  for (const channel of ['sms', 'telegram']) await api('PUT', `/v1/providers/sim-${channel}`, { driver: 'sandbox', channel, priority: 0, settings: {} })

  // Customers, from a file with a name: one a payload, and some who are reached everywhere.
  const people = [
    ...all.map((p, i) => ({ external_id: `h-${i}`, name: line(p), addresses: [{ channel: 'sms', address: `+3712000${String(i).padStart(4, '0')}` }], attributes: { [line(p).slice(0, 60)]: p, n: i } })),
    ...mailers.map((m, k) => ({ external_id: m.id, name: line(worst[k]!), addresses: (['email', 'sms', 'telegram'] as const).map((channel) => ({ channel, address: m[channel] })), attributes: Object.fromEntries(worst.slice(k * 5, k * 5 + 5).map((p, i) => [line(worst[(k + i) % worst.length]!).slice(0, 60), p])) })),
  ]
  const job = await raw<{ id: string }>(`/v1/customers/import?name=${encodeURIComponent(line(worst[0]!))}`, 'application/x-ndjson', people.map((c) => JSON.stringify(c)).join('\n'))
  await until(async () => (await api<{ status: string }>('GET', `/v1/jobs/${job.id}`)).status === 'finished')

  // Each of them writes; and mails with pictures of their own, and files.
  const says = (body: Record<string, unknown>) => api<{ thread: string }>('POST', '/v1/sandbox/replies', body)
  await each(all, (p, i) => says({ channel: 'sms', address: `+3712000${String(i).padStart(4, '0')}`, text: p, name: line(p).slice(0, 200) }))
  await each(mailers, async (m, k) => {
    // Ours come first: what the simulator has said is answered there, and not by way of the relay.
    m.thread = (await api<{ thread: string }>('POST', '/v1/threads', { customer: `ext:${m.id}`, channel: 'email', subject: 'x', text: `hostile-${k}-` })).thread
    for (let i = k + mailers.length; i < worst.length; i += mailers.length) await api('POST', `/v1/threads/${m.thread}/replies`, { channel: 'email', text: `hostile-${i}-`, force: true })
    for (const [i, p] of all.entries()) {
      if (i % mailers.length !== k) continue
      const file = await raw<{ id: string }>(`/v1/files?name=${encodeURIComponent(line(p).replaceAll(/[/\\]/g, '_').slice(0, 100) || 'x')}`, 'application/octet-stream', p)
      const { thread } = await says({ channel: 'email', address: m.email, text: `${p}\nend ${i}`, html: `<p>begin ${i}</p><div>${p}</div>`, name: line(p).slice(0, 200), attachments: [file.id] })
      expect(thread).toBe(m.thread)
    }
    await says({ channel: 'telegram', address: m.telegram, text: worst[k + 8] })
    await api('PATCH', `/v1/threads/${m.thread}`, { subject: line(worst[k]!), labels: worst.slice(k * 4, k * 4 + 4).map((p, i) => `${i} ${line(p).replaceAll(',', '').slice(0, 50)}`) })
    for (const p of worst.slice(k * 4, k * 4 + 4)) await api('POST', `/v1/threads/${m.thread}/notes`, { text: p, agent: line(p).replaceAll(/\p{C}/gu, '').slice(0, 60) })
  })

  // What colleagues and programs may name. A refusal is an answer, too, but not to most.
  let refused: string[] = []
  const make = async (method: string, path: string, body: unknown) => api(method, path, body).catch((e: Error) => (/: 4(00|09|22) /.test(e.message) ? void refused.push(e.message) : Promise.reject(e)))
  const plain = (p: string) => (/\{[{%]/.test(p) ? '' : p)
  await api('PUT', '/v1/templates/hostile', { topic: '', variants: [{ channel: 'sms', locale: '', text: '{{ customer.name }}: {{ data.say }} {{ preferences_url }} {{ reply_url }}' }, { channel: 'email', locale: '', subject: '{{ customer.name }} {{ data.say }}', html: '<p>{{ customer.name }}</p><p>{{ data.say }}</p>' }, { channel: 'telegram', locale: '', text: '<b>{{ customer.name }}</b> {{ data.say }}' }] })
  await make('PUT', '/v1/templates/mean', { topic: '', variants: ['en', 'ru', 'de', 'fr', 'lv', 'lt', 'et', 'pl'].map((locale, k) => ({ channel: 'email', locale, subject: plain(line(worst[k]!)) || 'x', html: `<p>x</p>${plain(worst[k + 8]!)}`, text: plain(worst[k]!) || 'x' })) })
  await each(worst, async (p, i) => {
    const name = line(p).slice(0, 100)
    await make('PUT', `/v1/canned/h-${i}`, { title: name, bodies: [{ locale: 'en', text: plain(p) || 'x' }] })
    await make('POST', '/v1/segments', { key: `h-${i}`, name, filter: { field: 'attribute', name: 'n', op: 'eq', value: p.slice(0, 200) } })
    await make('POST', '/v1/views', { name, filter: { status: ['open'] }, shared: true })
    await make('PUT', `/v1/topics/h-${i}`, { policy: 'opt_out', title: { en: name, ru: name } })
    await make('POST', '/v1/keys', { name, scopes: ['read:topics'] })
    await make('POST', '/v1/agents', { name: `${name.slice(0, 90)} ${i}`, email: `h${i}@shop.example`, role: 'viewer' })
    await make('POST', '/v1/endpoints', { url: `https://hook.example/${i}?q=${name.replaceAll(/[\s\p{C}]/gu, '')}`, events: ['campaign.finished'] })
    await make('PUT', `/v1/suppressions/email/x${i}@example.com`, { reason: name, source: name })
  })
  for (const p of worst) await make('POST', '/v1/campaigns', { name: line(p).slice(0, 100), purpose: 'transactional', template: 'hostile', status: 'draft', data: { say: p } })
  expect(refused.length, refused.slice(0, 5).join('\n')).toBeLessThan(worst.length * 3)
  refused = []

  // One campaign into the sandbox, where everybody gets what names and data make of the template; one that the relay refuses.
  const audience = { customers: [...mailers.map((m) => ({ external_id: m.id, data: { say: worst[3] } })), ...worst.slice(0, 20).map((say, i) => ({ external_id: `h-${i}`, data: { say } }))] }
  const launch = (name: string, rest: object) => api<{ id: string }>('POST', '/v1/campaigns', { name: line(name), purpose: 'transactional', template: 'hostile', ...rest })
  campaign = await launch(worst[2]!, { audience, settings: { sandbox: true }, routing: { method: 'all', channels: ['email', 'sms', 'telegram'] } })
  const failing = await launch(worst[4]!, { audience: { customers: mailers.map((m, i) => ({ external_id: m.id, data: { say: `hostile-${i}-` } })) }, routing: { method: 'preferred', channels: ['email'] } })
  await until(async () => (await Promise.all([campaign, failing].map((c) => api<{ status: string }>('GET', `/v1/campaigns/${c.id}`)))).every((c) => c.status === 'finished'))
  drafts = [failing]
}

test('there are two hundred, and no two are the same', () => {
  expect(all.length).toBeGreaterThanOrEqual(200)
  expect(new Set(all).size).toBe(all.length)
})

test('customers: the list, profiles, segments, merges', async () => {
  const names: string[] = []
  for (let cursor = ''; ; ) {
    const rows = await server.api<Named>('GET', `/v1/customers?limit=200&cursor=${cursor}`)
    names.push(...rows.data.map((c) => c.name as string))
    if (!rows.next_cursor) break
    cursor = rows.next_cursor
  }
  expect(names.filter((n) => all.some((p) => flat(p) === flat(n))).length).toBeGreaterThan(200)
  await visit('/customers', names)
  await visit('/customers/segments', await words('/v1/segments?limit=200', (s: { name: string }) => s.name))
  for (const m of mailers.slice(0, 3)) {
    const c = await server.api<{ id: string; name: string; attributes: Record<string, string> }>('GET', `/v1/customers/ext:${m.id}`)
    await visit(`/customers/${c.id}`, [c.name, ...Object.keys(c.attributes), ...Object.values(c.attributes)])
    for (const tab of ['Consent', 'Campaigns', 'Conversations']) {
      await page.getByRole('tab', { name: tab }).click()
      await expect.poll(() => page.locator('main [role=status][aria-label]').count()).toBe(0)
      await clean(`${m.id} ${tab}`)
    }
  }
  await page.goto(`${server.url}/customers/merges`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await clean('merges')
})

const csv = () => [worst.slice(0, 30).map((p) => `"${line(p).replaceAll('"', '""')}"`).join(','), ...[1, 2].map(() => worst.slice(0, 30).map((p) => `"${p.replaceAll('"', '""')}"`).join(','))].join('\r\n')

test('files: columns and cells before they are sent, rows that were refused, the list of imports', async () => {
  const file = { name: `${line(worst[0]!).replaceAll('/', '_')}.csv`, mimeType: 'text/csv', buffer: Buffer.from(csv()) }
  const cells = worst.slice(0, 30).map(line)
  await page.goto(`${server.url}/customers/import`)
  await page.locator('input[type=file]').setInputFiles(file)
  await shows('import', [file.name, ...cells])
  await clean('import')
  await visit('/campaigns/new', ['Name'])
  await page.locator('input[type=file]').setInputFiles(file)
  await shows('campaign file', [file.name, ...cells])
  await clean('campaign file')

  const rows = ['external_id,email,locale', ...worst.map((p, i) => `"r-${i}","${p.replaceAll('"', '""')}","${line(p).slice(0, 20).replaceAll('"', '""')}"`)].join('\n')
  const job = await raw<{ id: string }>(`/v1/customers/import?name=${encodeURIComponent(line(worst[1]!))}`, 'text/csv', rows)
  await expect.poll(async () => (await server.api<{ status: string }>('GET', `/v1/jobs/${job.id}`)).status).toBe('finished')
  const { rejects } = await server.api<{ rejects: { reason: string }[] }>('GET', `/v1/jobs/${job.id}`)
  await visit(`/customers/import?job=${job.id}`, rejects.map((r) => r.reason))
})

test('inbox: the list and search', async () => {
  const rows = (await server.api<{ data: { customer_name: string; preview: string }[] }>('GET', '/v1/threads?limit=200&status=open')).data
  await visit('/inbox', rows.flatMap((r) => [r.customer_name, r.preview]))
  await visit('/inbox?q=hacked', ['hacked'])
})

test('inbox: a long thread, with mails in their frames, files, notes, the relay’s refusals, the panel', async () => {
  const { thread } = mailers[0]!
  const entries = (await server.api<{ data: { kind: string; text: string; attachments?: string[] }[] }>('GET', `/v1/threads/${thread}/entries?limit=200`)).data
  const mails = entries.filter((e) => e.attachments?.length)
  expect(mails.length).toBeGreaterThanOrEqual(25)
  const files = await Promise.all(mails.map((e) => server.api<{ name: string }>('GET', `/v1/files/${e.attachments![0]!}`)))
  const notes = entries.filter((e) => e.kind === 'note').map((e) => e.text)
  expect(notes).toHaveLength(4)
  const pane = page.getByRole('region', { name: /^Conversation with/ })
  await visit(`/inbox/${thread}`, [...notes, ...files.map((f) => f.name), ...mails.map((e) => `begin ${/end (\d+)$/.exec(e.text)![1]!}`)], async () => {
    await pane.waitFor()
    for (const part of ['Preferences', 'About them', 'Timeline']) await page.getByRole('button', { name: part, exact: true }).click()
  }, '[aria-label^="Conversation with"]')
  const failed = pane.getByRole('button', { name: /Failed/ })
  expect(await failed.count()).toBeGreaterThanOrEqual(4)
  for (const [i, button] of (await failed.all()).entries()) {
    await button.click()
    await shows('a refusal', [worst[i * mailers.length]])
    await page.keyboard.press('Escape')
  }
  await clean('a long thread')
})

test('campaigns: the list, a live page, its ledger, why and why not, drafts', async () => {
  await visit('/campaigns', await words('/v1/campaigns?limit=200', (c: { name: string }) => c.name))
  for (const c of [campaign, ...drafts]) {
    const { name } = await server.api<{ name: string }>('GET', `/v1/campaigns/${c.id}`)
    await visit(`/campaigns/${c.id}`, [name])
    await visit(`/campaigns/${c.id}?tab=messages`, mailers.map((_, k) => line(worst[k]!)))
    await visit(`/campaigns/${c.id}?tab=replies`, [name])
    await visit(`/campaigns/${c.id}?tab=why&customer=${(await server.api<{ id: string }>('GET', '/v1/customers/ext:m-0')).id}`, [line(worst[0]!)])
  }
  const draft = (await server.api<{ data: { id: string; name: string }[] }>('GET', '/v1/campaigns?limit=200&status=draft')).data
  await visit(`/campaigns/${draft[0]!.id}/edit`, [draft[0]!.name])
})

test('templates, with a preview for somebody', async () => {
  await visit('/templates', ['hostile'])
  await visit('/templates/hostile', ['hostile'])
  if ((await words('/v1/templates?limit=50', (t: { key: string }) => t.key)).includes('mean')) await visit('/templates/mean', ['mean'])
})

test('settings, every section', async () => {
  const first = (s: Record<string, string>) => s.en
  await visit('/settings/labels', await words('/v1/labels?limit=200', (l: { name: string }) => l.name))
  await visit('/settings/canned', await words('/v1/canned?limit=200', (c: { title: string }) => c.title))
  await visit('/settings/topics', await words('/v1/topics?limit=200', (x: { title: Record<string, string> }) => first(x.title)))
  await visit('/settings/keys', await words('/v1/keys?limit=200', (k: { name: string }) => k.name))
  await visit('/settings/agents', await words('/v1/agents?limit=200', (a: { name: string }) => a.name))
  await visit('/settings/endpoints', await words('/v1/endpoints?limit=200', (e: { url: string }) => e.url))
  for (const section of ['profile', 'audit', 'providers', 'domains', 'hours', 'assignment', 'suppressions', 'strays', 'health', 'quarantine', 'providers/relay']) {
    await page.goto(`${server.url}/settings/${section}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await expect.poll(() => page.locator('main [role=status][aria-label]').count()).toBe(0)
    await clean(section)
  }
  await page.getByLabel(/^To$/).fill('somebody@example.com')
  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByText('5.6.0').first().waitFor()
  await shows('the provider’s answer', [worst[0]!])
  await clean('a test')
})

test('the simulator’s phone and mailbox, and the command bar', async () => {
  for (const [k, m] of mailers.entries()) {
    const { id } = await server.api<{ id: string }>('GET', `/v1/customers/ext:${m.id}`)
    const chat = (name: string) => page.getByRole('region', { name: /^Phone of/ }).getByText(name, { exact: true }).click()
    await visit(`/simulator?customer=${id}`, [line(worst[k]!), line(worst[3]!), worst[k + 8]!], () => chat('Telegram'))
    await chat('SMS')
    await shows('phone', [worst[3]!])
    await clean(`phone ${k}`)
  }
  await page.keyboard.press('Control+k')
  await page.getByPlaceholder(/./).last().fill('hacked')
  await shows('command bar', ['hacked'])
  await clean('command bar')
})

test('pages for customers: preferences and the answer by link', async () => {
  const { data } = await server.api<{ data: { text?: string }[] }>('GET', `/v1/sandbox/outbox?limit=5&channel=sms&campaign=${campaign.id}`)
  const links = data[0]!.text!.match(/http:\S+\/[pr]\/\S+/g)!
  expect(links).toHaveLength(2)
  const topics = await words('/v1/topics?limit=200', (x: { title: Record<string, string> }) => x.title.en)
  for (const link of links) {
    await page.goto(link)
    await shows(link, link.includes('/p/') ? topics : ['Your answer'])
    await clean(link)
  }
  await page.getByLabel('Message').fill(all.join('\n').slice(0, 3_900))
  await page.getByLabel(/^Your name/).fill(line(worst[0]!).slice(0, 90))
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('heading', { name: 'Thank you, it has arrived' }).waitFor()
  await clean('answered')
})
