import { Select, SimpleGrid, Text, Title } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { listCustomers } from '../../api/customers'
import { need } from '../../api/pages'
import { Answer } from '../../ui/Answer'
import { ProblemAlert } from '../../ui/Problem'
import { useTitle } from '../../ui/Page'
import { Guide } from './Guide'
import { Mailbox } from './Mailbox'
import { Phone } from './Phone'
import classes from './Simulator.module.css'

type Customer = Schemas['Customer']

/** The world outside, while the sandbox stands for it: a phone and a mailbox of one customer, who can answer. */
export function Simulator() {
  const { t, i18n } = useTranslation('simulator')
  useTitle(t('title'))
  const go = useNavigate()
  const chosen = (useSearch({ strict: false }) as { customer?: string }).customer
  const first = useQuery({ queryKey: ['simulated'] /* apart from the rest: it must not change under one's eyes */, queryFn: () => somebody(i18n.language), staleTime: Infinity, gcTime: 0 })
  const id = chosen ?? first.data ?? undefined
  const customer = useQuery({ queryKey: ['customers', id], enabled: id !== undefined, queryFn: () => need(client.GET('/v1/customers/{id}', { params: { path: { id: id! } } })) })
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <div>
          <Title order={1}>{t('title')}</Title>
          <Text c="dimmed" size="sm" mt={2}>
            {t('about')}
          </Text>
        </div>
        <Who value={customer.data} onChange={(id) => void go({ to: '/simulator', search: { customer: id }, replace: true })} />
      </header>
      <Guide />
      {first.error && id === undefined ? (
        <ProblemAlert error={first.error} retry={() => void first.refetch()} />
      ) : first.data === null ? (
        <Text c="dimmed">{t('nobody')}</Text>
      ) : (
        <Answer of={customer}>
          {(c) => (
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" className={classes.world}>
              <Phone key={`phone ${c.id}`} customer={c} />
              <Mailbox key={`mail ${c.id}`} customer={c} />
            </SimpleGrid>
          )}
        </Answer>
      )}
    </div>
  )
}

/**
 * Who got something, the best to look at first: by Telegram, which shows most, then on a phone at all, by mail too, in the viewer's
 * language, last. null: there are no customers.
 */
async function somebody(language: string): Promise<string | null> {
  const got = (await Promise.all((['telegram', 'whatsapp', 'sms', 'email'] as const).map((channel) => need(client.GET('/v1/sandbox/outbox', { params: { query: { channel, limit: 100 } } }))))).flatMap((page) => page.data)
  const people = new Map<string, { at: string; chat: boolean; phone: boolean; mail: boolean; speaks: boolean }>()
  for (const m of got) {
    if (!m.customer) continue
    const was = people.get(m.customer)
    people.set(m.customer, { at: was && was.at > m.at ? was.at : m.at, chat: was?.chat || m.channel === 'telegram', phone: was?.phone || m.channel !== 'email', mail: was?.mail || m.channel === 'email', speaks: was?.speaks || !!m.locale?.startsWith(language) })
  }
  const worth = (p: { chat: boolean; phone: boolean; mail: boolean; speaks: boolean }) => (p.chat ? 8 : 0) + (p.phone ? 4 : 0) + (p.mail ? 2 : 0) + (p.speaks ? 1 : 0)
  const [best] = [...people].sort(([, a], [, b]) => worth(b) - worth(a) || b.at.localeCompare(a.at))
  return best?.[0] ?? (await listCustomers({ limit: 1 })).data[0]?.id ?? null
}

/** Chooses whose eyes one looks through. */
function Who({ value, onChange }: { value: Customer | undefined; onChange: (id: string) => void }) {
  const { t } = useTranslation('simulator')
  const [text, setText] = useState('')
  const [wanted] = useDebouncedValue(text === value?.name ? '' : text, 200)
  const found = useQuery({ queryKey: ['simulator', 'customers', wanted], placeholderData: (old) => old, queryFn: () => listCustomers({ q: wanted || undefined, limit: 20 }) })
  const people = found.data?.data ?? []
  const all = value && !people.some((c) => c.id === value.id) ? [value, ...people] : people
  return (
    <Select
      label={t('who')}
      className={classes.who}
      searchable
      allowDeselect={false}
      value={value?.id ?? null}
      data={all.map((c) => ({ value: c.id, label: c.name || c.external_id || c.id }))}
      filter={({ options }) => options /* the server has searched */}
      searchValue={text}
      onSearchChange={setText}
      onChange={(id) => id && onChange(id)}
      nothingFoundMessage={t('nobodyFound')}
    />
  )
}
