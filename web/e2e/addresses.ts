import type { Server } from './server'

/** A page to look at: the route behind it, a name for its pictures, and an address of it. */
export type Address = { route: string; name: string; path: string }

/** The sections of the settings; the page itself shows the same list (e2e/craft.test.ts). */
export const sections = ['profile', 'agents', 'audit', 'providers', 'domains', 'topics', 'canned', 'hours', 'labels', 'assignment', 'suppressions', 'strays', 'keys', 'endpoints', 'health', 'quarantine']

/** Fills what the demo leaves empty, so that every page has something to show, and tells where each page is. */
export async function addresses(server: Server): Promise<{ inside: Address[]; doors: Address[]; public: Address[] }> {
  const { api } = server
  const first = async (path: string) => (await api<{ data: { id: string; key: string }[] }>('GET', path)).data[0]!
  const [thread, campaign, customer, endpoint, links] = await Promise.all([
    first('/v1/threads?channel=email&limit=1'),
    first('/v1/campaigns?limit=1'),
    first('/v1/customers?q=oliver&limit=1'),
    api<{ id: string }>('POST', '/v1/endpoints', { url: 'https://shop.example/hooks/rapport', events: ['reply.received', 'message.*'] }),
    letters(server),
    api('POST', '/v1/segments', { key: 'loyal', name: 'Loyal in Riga', filter: { all: [{ field: 'timezone', op: 'eq', value: 'Europe/Riga' }, { field: 'event', type: 'order', min: 1, within: '90d' }] } }),
    api('PUT', '/v1/canned/thanks', { title: 'Thank you', bodies: [{ locale: 'en', text: 'Thank you for writing, {{ customer.name }}.' }] }),
    api('PUT', '/v1/labels/delivery', { colour: '#0e7490' }),
    api('PUT', '/v1/customers/ext:vera-1', { name: 'Vera Liepa', addresses: [{ channel: 'email', address: 'vera@shop.example' }] }),
    api('PUT', '/v1/customers/ext:vera-2', { name: 'Vera L.', addresses: [{ channel: 'email', address: 'vera+garden@shop.example' }] }),
  ])
  const draft = await api<{ id: string }>('POST', '/v1/campaigns', { name: 'Winter sale', purpose: 'marketing', template: 'promotion', audience: { segment: 'loyal' }, data: { percent: 25, code: 'SNOW25', until: '2027-01-31', url: 'https://shop.example/sale' }, status: 'draft' })
  const inside: Address[] = [
    { route: '/simulator', name: 'simulator', path: '/simulator' },
    { route: '/inbox', name: 'inbox', path: '/inbox' },
    { route: '/inbox/$thread', name: 'thread', path: `/inbox/${thread.id}` },
    { route: '/campaigns', name: 'campaigns', path: '/campaigns' },
    { route: '/campaigns/new', name: 'campaign-new', path: '/campaigns/new' },
    { route: '/campaigns/$id/edit', name: 'campaign-edit', path: `/campaigns/${draft.id}/edit` },
    ...['', 'replies', 'messages', 'why'].map((tab) => ({ route: '/campaigns/$id', name: `campaign${tab && '-'}${tab}`, path: `/campaigns/${campaign.id}${tab && '?tab='}${tab}` })),
    { route: '/templates', name: 'templates', path: '/templates' },
    { route: '/templates/$key', name: 'template', path: '/templates/promotion' },
    { route: '/customers', name: 'customers', path: '/customers' },
    ...['', 'threads', 'consent', 'campaigns'].map((view) => ({ route: '/customers/$id', name: `customer${view && '-'}${view}`, path: `/customers/${customer.id}${view && '?view='}${view}` })),
    { route: '/customers/import', name: 'import', path: '/customers/import' },
    { route: '/customers/segments', name: 'segments', path: '/customers/segments' },
    { route: '/customers/merges', name: 'merges', path: '/customers/merges' },
    { route: '/settings', name: 'settings', path: '/settings' },
    ...sections.map((s) => ({ route: '/settings/$section', name: `settings-${s}`, path: `/settings/${s}` })),
    { route: '/settings/$section/$item', name: 'settings-provider', path: '/settings/providers/sandbox-email' },
    { route: '/settings/$section/$item', name: 'settings-provider-new', path: '/settings/providers/+' },
    { route: '/settings/$section/$item', name: 'settings-endpoint', path: `/settings/endpoints/${endpoint.id}` },
  ]
  const doors: Address[] = [
    { route: '/sign-in', name: 'sign-in', path: '/sign-in' },
    { route: '/setup', name: 'setup', path: '/setup' },
    { route: '/invitation', name: 'invitation', path: '/invitation#token=made-up' },
    { route: '/reset', name: 'reset', path: '/reset#token=made-up' },
  ]
  return { inside, doors, public: links }
}

/** The pages behind the links of messages: one message is sent with each link in it, and read where the customer has it. */
async function letters(server: Server): Promise<Address[]> {
  const text = ['unsubscribe_url', 'preferences_url', 'reply_url', 'data.confirm_url'].map((name) => `{{ ${name} }}`).join(' ')
  await server.api('PUT', '/v1/templates/links', { topic: 'orders', variants: [{ channel: 'sms', text: `Links: ${text}` }] })
  await server.api('PUT', '/v1/customers/ext:links', { name: 'Lina Links', addresses: [{ channel: 'sms', address: '+37120000777' }] })
  await server.api('POST', '/v1/customers/ext:links/consents', { channel: 'sms', purpose: 'marketing', topic: 'promotions', granted: true, source: 'form', text_version: '1', confirm: 'links' })
  for (const until = Date.now() + 20_000; Date.now() < until; await new Promise((r) => setTimeout(r, 100))) {
    const sent = (await server.api<{ data: { text: string }[] }>('GET', '/v1/sandbox/outbox?channel=sms&address=%2B37120000777')).data.find((m) => m.text.startsWith('Links:'))
    const paths = sent?.text.match(/\/(u|p|r|confirm)\/\w+/g)
    if (paths) return paths.map((path) => ({ route: '', name: { u: 'unsubscribe', p: 'preferences', r: 'reply', confirm: 'confirm' }[path.split('/')[1]!]!, path })).concat({ route: '', name: 'sorry', path: '/u/made-up' })
  }
  throw new Error('the message with the links did not arrive')
}
