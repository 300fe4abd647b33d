import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where the program is: built by `make build`, or another one. */
const binary = resolve(process.env.RAPPORT_TEST_BIN ?? '../bin/rapport')

export type Server = {
  url: string
  /** Printed by the first start; opens /setup. */
  setup: string
  key: string
  log: () => string
  stop: (signal?: NodeJS.Signals) => Promise<void>
  start: () => Promise<void>
  /** One request with the API key; refuses answers that are none. */
  api: <T>(method: string, path: string, body?: unknown) => Promise<T>
  close: () => Promise<void>
}

export type Engine = 'SQLite' | 'PostgreSQL and Redis'

/**
 * What a story that must hold on both databases runs on. PostgreSQL and Redis are those that make test starts; without
 * them SQLite runs alone and says so, unless RAPPORT_TEST_REQUIRED is set: then their absence fails.
 */
export function engines(): Engine[] {
  if (process.env.RAPPORT_TEST_DATABASE_URL && process.env.RAPPORT_TEST_REDIS_URL) return ['SQLite', 'PostgreSQL and Redis']
  const missing = 'RAPPORT_TEST_DATABASE_URL and RAPPORT_TEST_REDIS_URL are not both set'
  if (process.env.RAPPORT_TEST_REQUIRED) throw new Error(`${missing}: run the stories with make test`)
  console.warn(`PostgreSQL is left out: ${missing} (make test sets them)`)
  return ['SQLite']
}

/** An empty PostgreSQL database and a Redis of one's own; psql comes with the server. */
function services(): { env: Record<string, string>; drop: () => void } {
  const [database, redis] = [new URL(process.env.RAPPORT_TEST_DATABASE_URL!), new URL(process.env.RAPPORT_TEST_REDIS_URL!)]
  const admin = database.href
  const name = `t_${randomBytes(8).toString('hex')}`
  const sql = (text: string) => execFileSync('psql', ['--quiet', '--no-psqlrc', '--dbname', admin, '--command', text])
  sql(`CREATE DATABASE ${name}`)
  database.pathname = `/${name}`
  redis.pathname = `/${15 - (Number(process.env.VITEST_POOL_ID ?? 0) % 4)}` // two files that run at once share none
  return { env: { RAPPORT_DATABASE_URL: database.href, RAPPORT_REDIS_URL: redis.href }, drop: () => void sql(`DROP DATABASE ${name} WITH (FORCE)`) }
}

type Options = { demo?: boolean; on?: Engine; env?: Record<string, string> }

/** The real program on a database of its own, ready, on a port of its own that it keeps when it is started again. */
export async function serve({ demo = true, on = 'SQLite', env = {} }: Options = {}): Promise<Server> {
  const own = on === 'SQLite' ? undefined : services()
  const secret = randomBytes(32).toString('base64')
  const data = mkdtempSync(join(tmpdir(), 'rapport-e2e-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let text = ''

  const start = async () => {
    const rest = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RAPPORT_')))
    child = spawn(binary, ['serve'], {
      env: { ...rest, RAPPORT_DEMO: String(demo), RAPPORT_SECRET_KEY: secret, RAPPORT_DATA_DIR: data, RAPPORT_HTTP_ADDR: `127.0.0.1:${port}`, RAPPORT_PUBLIC_URL: url, RAPPORT_METRICS_ADDR: '', ...own?.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const mine = child
    mine.stdout!.on('data', (b: Buffer) => (text += b.toString()))
    mine.stderr!.on('data', (b: Buffer) => (text += b.toString()))
    for (const until = Date.now() + 40_000; ; await new Promise((r) => setTimeout(r, 100))) {
      if (mine.exitCode !== null) throw new Error(`the server ended with ${mine.exitCode}:\n${text}`)
      if (Date.now() > until) throw new Error(`the server was not ready in time:\n${text}`)
      const ready = await fetch(`${url}/readyz`).then((r) => r.ok, () => false)
      if (ready && text.includes(' is ready.')) return
    }
  }

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const mine = child
    if (!mine || mine.exitCode !== null || mine.signalCode !== null) return
    const ended = new Promise<void>((r) => mine.once('exit', () => r()))
    mine.kill(signal)
    await ended
  }

  await start()
  const key = /RAPPORT_API_KEY=(\S+)/.exec(text)?.[1] ?? ''
  return {
    url,
    setup: /\S+\/setup#token=\S+/.exec(text)?.[0] ?? '',
    key,
    log: () => text,
    start,
    stop,
    async api<T>(method: string, path: string, body?: unknown): Promise<T> {
      const answer = await fetch(url + path, { method, headers: { Authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }, body: body === undefined ? undefined : JSON.stringify(body) })
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
      return (answer.status === 204 ? undefined : await answer.json()) as T
    },
    async close() {
      await stop('SIGKILL')
      own?.drop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer()
    s.once('error', fail)
    s.listen(0, '127.0.0.1', () => {
      const at = s.address()
      s.close(() => (typeof at === 'object' && at ? done(at.port) : fail(new Error('no port'))))
    })
  })
}
