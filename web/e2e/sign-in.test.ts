import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { axe } from './axe'
import { invite, openBrowser, owner, person, setUp, signIn } from './browser'
import { mailServer } from './mail'
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

test('an invitation comes by mail, is good once, and a forgotten password is chosen anew by another mail', async () => {
  const post = await mailServer()
  const { page, context, trouble } = await person(browser)
  try {
    await signIn(page, server)
    await page.goto(`${server.url}/settings/agents`)
    await page.getByRole('button', { name: 'Invite' }).click()
    const form = page.getByRole('dialog', { name: 'Invite' })
    await form.getByLabel('Name').fill('Mila Mail')
    expect(await form.getByLabel('Send the link by email').count(), 'nobody could carry it').toBe(0)
    await page.keyboard.press('Escape')

    await server.api('PUT', '/v1/providers/post', { driver: 'email', channel: 'email', settings: { host: '127.0.0.1', port: post.port, tls: 'none', from: 'Shop <news@shop.example>' } })
    await page.reload()
    await page.getByRole('button', { name: 'Invite' }).click()
    await form.getByLabel('Name').fill('Mila Mail')
    await form.getByLabel('Email', { exact: true }).fill('mila@shop.example')
    await form.getByLabel('Send the link by email').waitFor()
    expect(await axe(page)).toEqual([])
    await form.getByRole('button', { name: 'Make the invitation' }).click()
    const ready = page.getByRole('dialog', { name: 'The invitation is ready' })
    await ready.getByText('post has taken the mail to mila@shop.example.').waitFor()
    const link = /http\S+\/invitation#token=\S+/.exec(post.mails[0] ?? '')?.[0] ?? ''
    expect(await ready.getByLabel('Link', { exact: true }).inputValue()).toBe(link)
    await ready.getByRole('button', { name: 'Done' }).click()

    const mila = await person(browser)
    await mila.page.goto(link)
    await mila.page.getByLabel('New password').fill('another quiet meadow')
    await mila.page.getByRole('button', { name: 'Join' }).click()
    await mila.page.getByRole('navigation').first().waitFor()
    const late = await person(browser)
    await late.page.goto(link)
    await late.page.getByRole('link', { name: 'Sign in' }).waitFor() // it is good once

    await page.reload()
    await page.getByRole('button', { name: 'More for Mila Mail' }).click()
    await page.getByRole('menuitem', { name: 'Reset the password' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Make the link' }).click()
    await page.getByRole('dialog').getByText('post has taken the mail').waitFor()
    await late.page.goto(/http\S+\/reset#token=\S+/.exec(post.mails[1] ?? '')?.[0] ?? '')
    await late.page.getByLabel('New password').fill('a third quiet meadow')
    await late.page.getByRole('button', { name: 'Save and sign in' }).click()
    await late.page.getByRole('navigation').first().waitFor()
    await mila.page.reload()
    await mila.page.waitForURL(/sign-in/)
    expect([...trouble, ...mila.trouble, ...late.trouble]).toEqual([])
    await Promise.all([mila.context.close(), late.context.close()])
  } finally {
    await context.close()
    post.close()
  }
})
