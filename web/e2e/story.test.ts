import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, person, setUp } from './browser'
import { engines, serve } from './server'

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

const people = `customer_id,Full name,E-mail,consent.email.offers
c-1,Clara Ruiz,clara@example.com,granted
c-2,Peter Stone,peter@example.com,granted
`

const goto = (page: Page, place: string) => page.getByRole('navigation').getByRole('link', { name: place, exact: true }).click()

/** Settings, one of its sections. */
async function section(page: Page, name: string) {
  await goto(page, 'Settings')
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

/** What the page of a campaign says became of its messages. */
async function ledger(page: Page): Promise<Record<string, number>> {
  await page.getByText('2 of 2 settled').waitFor()
  await page.getByText('Finished', { exact: true }).first().waitFor()
  const rows = await page.getByRole('region', { name: 'Ledger' }).getByRole('row').allInnerTexts()
  return Object.fromEntries(rows.map((row) => row.split('\t').map((cell) => cell.trim())).map(([state, n]) => [state, Number(n)]))
}

// All of it by hand, on an installation where nothing is: what a shop does on its first day. At once on both
// databases, because most of the time goes into waiting for one another.
test.concurrent.each(engines())('the first day of a shop, from the set-up to a customer who leaves, on %s', async (on) => {
  const server = await serve({ demo: false, on, env: { RAPPORT_COMPANY_NAME: 'Green Leaf', RAPPORT_COMPANY_POSTAL_ADDRESS: '12 Example Lane, Riga' } })
  const windows = [await person(browser), await person(browser), await person(browser)] as const
  const [{ page: olga }, { page: anna }, { page: clara, context: clarasBrowser }] = windows
  try {
    await setUp(olga, server)
    await olga.waitForURL(/\/inbox/)
    expect(await olga.getByRole('link', { name: 'Simulator' }).count(), 'nothing is simulated yet').toBe(0)

    // A sandbox for mail, and the topic that people agree to.
    await section(olga, 'Providers')
    await olga.getByRole('link', { name: 'Add a provider' }).first().click()
    await olga.getByRole('combobox', { name: 'Kind' }).click()
    await olga.getByRole('option', { name: /^sandbox/ }).click()
    await olga.getByLabel(/^Name/).fill('mailbox')
    await olga.getByRole('button', { name: 'Add the provider' }).click()
    await olga.getByRole('heading', { level: 1, name: 'mailbox' }).waitFor()
    await section(olga, 'Topics')
    await olga.getByRole('button', { name: 'Add a topic' }).first().click()
    await olga.getByLabel('Key').fill('offers')
    await olga.getByLabel('Title in en').fill('Our offers')
    await olga.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await olga.getByRole('main').getByText('Our offers').waitFor()

    // A colleague joins by a link, in a browser of her own.
    await section(olga, 'Agents')
    await olga.getByRole('button', { name: 'Invite' }).click()
    await olga.getByRole('dialog').getByLabel('Name').fill('Anna Agent')
    await olga.getByRole('dialog').getByLabel('Email').fill('anna@shop.example')
    await olga.getByRole('button', { name: 'Make the invitation' }).click()
    const link = await olga.getByLabel('Link', { exact: true }).inputValue()
    await olga.getByRole('button', { name: 'Done' }).click()
    await anna.goto(link)
    await anna.getByLabel('New password').fill('another quiet meadow')
    await anna.getByRole('button', { name: 'Join' }).click()
    await goto(anna, 'Inbox')
    await anna.getByText('Nothing is open').waitFor()

    await goto(olga, 'Customers')
    await olga.getByRole('link', { name: 'Import' }).first().click()
    await olga.locator('input[type=file]').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(people) })
    await olga.getByLabel('Wording').fill('2026-01')
    await olga.getByRole('button', { name: 'Import', exact: true }).click()
    await olga.getByRole('link', { name: 'See the customers' }).click()
    await olga.getByRole('link', { name: /Clara Ruiz/ }).waitFor()

    await goto(olga, 'Templates')
    await olga.getByRole('button', { name: 'New template' }).first().click()
    await olga.getByLabel('Key').fill('spring-sale')
    await olga.getByRole('radio', { name: /^A blank page/ }).click()
    await olga.getByRole('button', { name: 'Create' }).click()
    await olga.waitForURL(/\/templates\/spring-sale/)
    await olga.getByLabel('Subject').fill('Ferns for {{ customer.name }}')
    await olga.getByRole('combobox', { name: 'Topic' }).click()
    await olga.getByRole('option', { name: 'offers' }).click()
    await olga.getByRole('button', { name: 'Save' }).click()
    await olga.getByText('Saved as version 2.').waitFor()

    const launch = async (name: string, sends: string) => {
      await goto(olga, 'Campaigns')
      await olga.getByRole('link', { name: 'New campaign' }).first().click()
      await olga.getByLabel('Name', { exact: true }).fill(name)
      await olga.getByRole('radio', { name: /^spring-sale/ }).click()
      await olga.waitForURL(/\/campaigns\/cmp_.*\/edit/)
      await olga.getByRole('radio', { name: /^Everyone/ }).click()
      await olga.getByRole('button', { name: 'Choose everyone' }).click()
      await olga.getByRole('dialog').getByLabel(/Type/).fill('everyone')
      await olga.getByRole('dialog').getByRole('button', { name: 'Choose everyone' }).click()
      await olga.getByRole('complementary', { name: 'Dry run' }).getByText('would go out').waitFor()
      await olga.getByText('Saved as a draft').waitFor()
      await olga.getByRole('button', { name: 'Launch…' }).click()
      await olga.getByRole('dialog').getByText(sends).waitFor()
      await olga.getByRole('dialog').getByRole('button', { name: 'Launch now' }).click()
      await olga.getByRole('heading', { level: 1, name }).waitFor()
      return ledger(olga)
    }
    expect(await launch('Spring', '2 messages go out.')).toMatchObject({ Planned: 2, Delivered: 2, Skipped: 0 })

    // Clara reads it and answers; at Anna's it appears while she looks on.
    await goto(olga, 'Simulator')
    await olga.getByRole('combobox', { name: 'Look through the eyes of' }).fill('Clara')
    await olga.getByRole('option', { name: 'Clara Ruiz' }).click()
    const mailbox = olga.getByRole('region', { name: 'Mailbox of Clara Ruiz' })
    const mails = mailbox.getByRole('list', { name: 'Mails' })
    await mails.getByRole('button', { name: /Ferns for Clara Ruiz/ }).waitFor()
    await mailbox.locator('iframe').contentFrame().getByText('Hello Clara Ruiz').waitFor()
    await mailbox.getByRole('button', { name: 'Reply' }).click()
    await mailbox.getByRole('textbox', { name: 'Answer as Clara Ruiz' }).fill('Do you have them in blue?')
    await mailbox.getByRole('button', { name: 'Send' }).click()
    await anna.getByRole('link', { name: /Clara Ruiz.*Do you have them in blue/s }).click()
    const talk = anna.getByRole('region', { name: 'Conversation with Clara Ruiz' })
    await talk.getByText('Do you have them in blue?').waitFor()
    await talk.getByText('Spring').waitFor() // the campaign that was answered stands above
    await anna.getByLabel('Your answer', { exact: true }).fill('In green, and only in green.')
    await anna.getByRole('button', { name: 'Send', exact: true }).click()
    await talk.getByText('In green, and only in green.').waitFor()

    // The answer comes while the simulator stands open; then the way out of the campaign's mail, in a browser that is
    // signed in nowhere.
    await mails.getByRole('button', { name: /Re: Ferns for Clara Ruiz/ }).click()
    await mailbox.getByText('In green, and only in green.').waitFor()
    await talk.getByRole('button', { name: 'Delivered' }).last().waitFor()
    await olga.getByRole('listitem').filter({ hasText: 'Reply as an agent' }).getByLabel('Done').waitFor() // the guide keeps up
    await mails.getByRole('button', { name: /Ferns for Clara Ruiz/ }).last().click()
    const out = mailbox.locator('iframe').contentFrame().getByRole('link', { name: /unsubscribe/i })
    await clara.goto((await out.getAttribute('href'))!)
    await clara.getByRole('button', { name: 'Unsubscribe', exact: true }).click()
    await clara.getByRole('heading', { name: 'You are unsubscribed' }).waitFor()
    await clarasBrowser.close()

    expect(await launch('Summer', '1 message goes out.')).toMatchObject({ Planned: 2, Delivered: 1, Skipped: 1 })
    await olga.getByRole('region', { name: 'Why skipped' }).getByText('Consent was withdrawn').waitFor()
    await olga.getByRole('button', { name: 'Show messages: Skipped' }).click()
    await olga.getByRole('listitem').filter({ hasText: 'Clara Ruiz' }).getByText('Consent was withdrawn').waitFor()

    const { data } = await server.api<{ data: { to: string; subject: string }[] }>('GET', '/v1/sandbox/outbox?limit=200')
    expect(data.map((m) => `${m.to}: ${m.subject}`).sort()).toEqual(['clara@example.com: Ferns for Clara Ruiz', 'clara@example.com: Re: Ferns for Clara Ruiz', 'peter@example.com: Ferns for Peter Stone', 'peter@example.com: Ferns for Peter Stone'])
    expect(windows.flatMap((w) => w.trouble)).toEqual([])
  } finally {
    for (const { context } of windows) await context.close()
    await server.close()
  }
})
