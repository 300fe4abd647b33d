import { gzipSync } from 'node:zlib'
import { cpus, loadavg } from 'node:os'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { addresses } from './addresses'
import { openBrowser, person, setUp } from './browser'
import { serve, type Server } from './server'
import { settled, walk } from './walk'

// npm run speed: what the pages cost, in figures to be read (docs/benchmark.md). It asserts nothing: a machine may be slow.
// ROWS=1000: shorter lists.

const rows = Number(process.env.ROWS ?? 10_000)

let server: Server
let browser: Browser
let context: BrowserContext
let page: Page

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), openBrowser()])
  ;({ context, page } = await person(browser))
  await setUp(page, server)
  say(`${cpus().length} × ${cpus()[0]!.model}, load ${loadavg()[0]!.toFixed(1)} before, Chromium ${browser.version()}`)
})
afterAll(async () => {
  say(`load ${loadavg()[0]!.toFixed(1)} after`)
  await browser?.close()
  await server?.close()
})

/** What the page's main thread has worked since, in ms of processor time: unlike frames, it does not suffer from others on the machine. */
async function worked(): Promise<() => Promise<number>> {
  const devtools = await context.newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const now = async () => 1000 * (await devtools.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration')!.value
  const before = await now()
  return async () => {
    const took = (await now()) - before
    await devtools.detach()
    return took
  }
}

const say = (line: string) => process.stdout.write(`${line}\n`)

test('script of each page', { timeout: 300_000 }, async () => {
  const { inside, doors } = await addresses(server)
  const scripts = new Map<string, Promise<number>>()
  const weigh = (url: string) => scripts.get(url) ?? scripts.set(url, fetch(url).then(async (r) => gzipSync(Buffer.from(await r.arrayBuffer())).length)).get(url)!
  say('\nScript, gzipped, of a first visit until nothing more is loaded')
  const seen = new Set<string>()
  for (const { name, route, path } of [...doors.slice(0, 1), ...inside]) {
    if (seen.has(route)) continue
    seen.add(route)
    const visit = await person(browser)
    if (route !== '/sign-in') await visit.context.addCookies(await context.cookies())
    await visit.page.goto(server.url + path)
    await settled(visit.page)
    const urls = await visit.page.evaluate(() => performance.getEntriesByType('resource').map((r) => r.name).filter((n) => n.endsWith('.js')))
    const paint = await visit.page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)
    const bytes = (await Promise.all([...new Set(urls)].map(weigh))).reduce((a, b) => a + b, 0)
    say(`  ${name.padEnd(24)} ${String(Math.round(bytes / 1000)).padStart(4)} kB in ${String(new Set(urls).size).padStart(3)} files, first paint after ${Math.round(paint)} ms`)
    await visit.context.close()
  }
})

test('long lists', { timeout: 900_000 }, async () => {
  let made: { id: string }[] = []
  const people = Array.from({ length: rows }, (_, i) => JSON.stringify({ external_id: `s-${i}`, name: `Person ${i} of many`, locale: 'en', addresses: [{ channel: 'sms', address: `+37121${String(i).padStart(6, '0')}` }], consents: [{ channel: 'sms', purpose: 'marketing', topic: 'promotions', granted: true, source: 'form', text_version: '1' }] })).join('\n')
  const answer = await fetch(`${server.url}/v1/customers/import`, { method: 'POST', headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/x-ndjson' }, body: people })
  if (!answer.ok) throw new Error(await answer.text())
  const job = (await answer.json()) as { id: string }
  await until(async () => (await server.api<{ status: string }>('GET', `/v1/jobs/${job.id}`)).status, (s) => s !== 'queued' && s !== 'running' && s !== 'pending')
  const campaign = await server.api<{ id: string }>('POST', '/v1/campaigns', { name: 'Everybody', purpose: 'marketing', template: 'promotion', audience: { everyone: true }, data: { percent: 20, code: 'FERN20', until: '2027-01-31', url: 'https://shop.example/sale' }, settings: { sandbox: true } })
  await until(async () => (await server.api<{ status: string }>('GET', `/v1/campaigns/${campaign.id}`)).status, (s) => s === 'finished')
  // As many threads would take minutes to make: the list gets the demo's own over and over, under new ids.
  await page.route(/\/v1\/threads\?/, async (route) => {
    const { data } = (await (await route.fetch()).json()) as { data: { id: string }[] }
    const from = Number(/cursor=n(\d+)/.exec(route.request().url())?.[1] ?? 0)
    const limit = Number(/limit=(\d+)/.exec(route.request().url())?.[1] ?? 50)
    if (from === 0) made = data
    await route.fulfill({ json: { data: Array.from({ length: Math.min(limit, rows - from) }, (_, i) => ({ ...made[(from + i) % made.length], id: `thr_${from + i}` })), next_cursor: from + limit < rows ? `n${from + limit}` : null } })
  })
  say(`\nLists of ${rows} rows, scrolled from the top to the end while they load: frames are drawn every 16.7 ms at best`)
  for (const [name, path] of [['customers', '/customers'], ['threads', '/inbox'], ['ledger', `/campaigns/${campaign.id}?tab=messages`]] as const) {
    await walk(page, path)
    const cpu = await worked()
    const r = await page.evaluate(scroll, rows)
    const each = (await cpu()) / r.frames
    say(`  ${name.padEnd(10)} ${r.reached} rows in ${(r.ms / 1000).toFixed(1)} s; ${each.toFixed(1)} ms of processor a frame; frames: median ${r.median.toFixed(1)} ms, p99 ${r.p99.toFixed(1)} ms, longest ${r.longest.toFixed(0)} ms; ${r.long} tasks over 50 ms${r.long ? `, the longest ${r.task.toFixed(0)} ms` : ''}; again, all there: p99 ${r.back.toFixed(1)} ms, ${r.longBack} tasks over 50 ms`)
  }
})

test('interactions', { timeout: 300_000 }, async () => {
  await page.unroute(/\/v1\/threads\?/)
  await page.reload()
  say('\nFrom a key or a click to the next picture (Event Timing; what takes less than 16 ms counts as 16)')
  const acts: Record<string, () => Promise<void>> = {
    'open a thread': async () => {
      await page.keyboard.press('j')
      await page.locator('textarea').first().waitFor()
    },
    'switch a view': async () => {
      await page.getByText(/^(Mine|Unassigned|All)/).nth(views++ % 3).click()
    },
    'type in the composer': async () => {
      await page.locator('textarea').first().focus()
      await page.keyboard.type('quick ')
    },
    'command bar': async () => {
      await page.keyboard.press('Control+K')
      await page.keyboard.type('per')
      await page.waitForTimeout(300)
      await page.keyboard.press('Escape')
    },
  }
  let views = 0
  await walk(page, '/inbox')
  for (const [name, act] of Object.entries(acts)) {
    if (name !== 'type in the composer') await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
    await page.evaluate(watch)
    const cpu = await worked()
    for (let i = 0; i < 20; i++) {
      await act()
      await page.waitForTimeout(150)
    }
    const each = (await cpu()) / 20
    const d = (await page.evaluate(() => (window as unknown as { took: () => number[] }).took())).sort((a, b) => a - b)
    say(`  ${name.padEnd(22)} median ${d[Math.floor(d.length / 2)]} ms, p95 ${d[Math.floor(d.length * 0.95)]} ms, longest ${d.at(-1)} ms, of ${d.length}; ${each.toFixed(0)} ms of processor for all that follows from one`)
  }
})

/** Scrolls the longest list on the page to its end and back; runs in the page. */
async function scroll(rows: number) {
  const box = [...document.querySelectorAll<HTMLElement>('[role=list], [role=listbox], [role=grid], main *')].filter((el) => el.scrollHeight > el.clientHeight + 40 && /auto|scroll/.test(getComputedStyle(el).overflowY)).sort((a, b) => b.scrollHeight - a.scrollHeight)[0]!
  const tasks: number[] = []
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration)))
  observer.observe({ type: 'longtask' })
  const frames: number[] = []
  const frame = () => new Promise<number>((r) => requestAnimationFrame(r))
  const start = performance.now()
  let before = await frame()
  let still = 0
  const height = () => box.querySelector<HTMLElement>('[data-index], [role=listitem]')?.offsetHeight || 60
  while (still < 240 && performance.now() - start < 120_000) {
    const top = box.scrollTop
    box.scrollTop += 300
    const now = await frame()
    frames.push(now - before)
    before = now
    still = box.scrollTop === top ? still + 1 : 0
    if (box.scrollHeight / height() >= rows && still > 20) break
  }
  const reached = Math.round(box.scrollHeight / height())
  const ms = performance.now() - start
  const long = tasks.length
  const back: number[] = []
  before = await frame()
  for (let i = 0; i < 300; i++) {
    box.scrollTop -= 600
    const now = await frame()
    back.push(now - before)
    before = now
  }
  await new Promise((r) => setTimeout(r, 100))
  observer.disconnect()
  const at = (list: number[], p: number) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))] ?? 0
  return { reached, ms, frames: frames.length + back.length, median: at(frames, 0.5), p99: at(frames, 0.99), longest: Math.max(...frames), long, task: Math.max(0, ...tasks), back: at(back, 0.99), longBack: tasks.length - long }
}

/** Notes how long each interaction takes; runs in the page. */
function watch() {
  const longest = new Map<number, number>()
  const count = () => (performance as Performance & { interactionCount: number }).interactionCount // newer than TypeScript's idea of it
  const first = count()
  const observer = new PerformanceObserver((list) => {
    for (const e of list.getEntries() as (PerformanceEventTiming & { interactionId: number })[]) if (e.interactionId) longest.set(e.interactionId, Math.max(longest.get(e.interactionId) ?? 0, e.duration))
  })
  observer.observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit)
  ;(window as unknown as { took: () => number[] }).took = () => {
    observer.disconnect()
    const known = [...longest.values()]
    return [...known, ...Array.from({ length: Math.max(0, count() - first - known.length) }, () => 16)]
  }
}

async function until<T>(ask: () => Promise<T>, done: (v: T) => boolean) {
  for (const end = Date.now() + 240_000; !done(await ask()); await new Promise((r) => setTimeout(r, 200))) if (Date.now() > end) throw new Error('it did not end in time')
}
