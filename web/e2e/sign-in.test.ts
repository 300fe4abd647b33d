import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { axe } from './axe'
import { invite, openBrowser, owner, person, setUp, signIn } from './browser'
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

test('the first visit makes the owner, who signs out and in again and invites a colleague', async () => {
  const { page, trouble } = await person(browser)
  await page.goto(server.setup)
  await page.getByLabel('Your name').waitFor()
  expect(await axe(page)).toEqual([])
  expect(page.url(), 'the token leaves the address bar').not.toContain('token')
  await setUp(page, server)

  await page.getByRole('button', { name: owner.name }).click()
  expect(await axe(page)).toEqual([])
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(await axe(page)).toEqual([])

  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password').fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Email or password is wrong.').waitFor()
  await signIn(page, server)

  const colleague = await invite(browser, server, { name: 'Viktor Viewer', email: 'viktor@shop.example', password: 'another quiet meadow', role: 'viewer' })
  await colleague.page.goto(`${server.url}/nowhere/at/all`)
  await colleague.page.getByText('There is no such page').waitFor()
  expect([...trouble, ...colleague.trouble]).toEqual([])
  await page.goto(`${server.url}/setup`)
  await page.getByText('This installation is set up already.').waitFor()
})

test('a session that was ended elsewhere leads to the sign-in, and back to where one was', async () => {
  const { page, context } = await person(browser)
  await signIn(page, server)
  await page.goto(`${server.url}/customers`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const other = await person(browser)
  await signIn(other.page, server)
  await other.page.evaluate(async () => {
    const { csrf } = (await (await fetch('/v1/session')).json()) as { csrf: string }
    await fetch('/v1/sessions', { method: 'DELETE', headers: { 'X-CSRF-Token': csrf } })
  })
  await page.reload()
  await page.waitForURL(/sign-in/)
  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password').fill(owner.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(/customers/)
  await context.close()
})
