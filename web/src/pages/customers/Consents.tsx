import { Badge, Button, Group, Loader, SegmentedControl, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { fieldErrors } from '../../api/problem'
import { useCan } from '../../api/session'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { Sideways } from '../../ui/Sideways'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { useRefresh } from './change'
import { latestWord, type Word } from './consent'
import classes from './Customer.module.css'
import { dialog } from './dialog'
import { channels, TopicSelect } from './FilterBuilder'
import { useTopics } from './topics'

type Consent = Schemas['Consent']

/** What a customer agreed to on each channel and topic, and everything that was ever said about it. */
export function Consents({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('customers')
  const can = useCan()
  const name = useChannelName()
  const topics = useTopics()
  const history = usePages(['customer', c.id, 'consents'], (cursor, signal) => need(client.GET('/v1/customers/{id}/consents', { params: { path: { id: c.id }, query: { cursor, limit: 200 } }, signal })))
  if (history.error && history.rows.length === 0) return <ProblemAlert error={history.error} retry={() => void history.refetch()} />
  if (history.isPending) return <Loading rows={6} height={36} />
  const rows = history.rows
  const columns = channels.filter((x) => c.addresses.some((a) => a.channel === x) || rows.some((r) => r.channel === x))
  const lines = ['', ...new Set([...topics.list.filter((x) => x.policy !== 'none').map((x) => x.key), ...rows.map((r) => r.topic ?? '')])].filter((x, i, all) => all.indexOf(x) === i)
  const write = can('write:customers')
  const record = (first: Partial<First>) => dialog({ title: t('consent.record'), children: (close) => <Record customer={c.id} first={first} close={close} /> })
  return (
    <Stack gap="xl">
      <section>
        <Group justify="space-between" mb="xs">
          <Title order={2}>{t('consent.now')}</Title>
          {write && (
            <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => record({ channel: columns[0] })}>
              {t('consent.record')}
            </Button>
          )}
        </Group>
        <Sideways label={t('consent.now')}>
          <Table verticalSpacing={6} aria-label={t('consent.now')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('filter.topic')}</Table.Th>
                {columns.map((x) => (
                  <Table.Th key={x}>{name(x)}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {lines.map((topic) => (
                <Table.Tr key={topic}>
                  <Table.Td fw={500}>{topic ? topics.title(topic) : t('topic.every')}</Table.Td>
                  {columns.map((channel) => {
                    const word = latestWord(rows, channel, topic)
                    return (
                      <Table.Td key={channel}>
                        <Cell word={word} label={`${topic ? topics.title(topic) : t('topic.every')}, ${name(channel)}`} onClick={write ? () => record({ channel, topic, granted: word !== 'granted' }) : undefined} />
                      </Table.Td>
                    )
                  })}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Sideways>
        <Text size="xs" c="dimmed" mt={6}>
          {t('consent.about')}
        </Text>
      </section>
      <section>
        <Title order={2} mb="xs">
          {t('consent.history')}
        </Title>
        {rows.length === 0 ? (
          <Text c="dimmed" size="sm">
            {t('consent.empty')}
          </Text>
        ) : (
          <Sideways label={t('consent.history')}>
            <Table verticalSpacing={8} aria-label={t('consent.history')}>
              <Table.Thead>
                <Table.Tr>
                  {(['said', 'what', 'source', 'proof', 'when'] as const).map((x) => (
                    <Table.Th key={x}>{t(`consent.column.${x}`)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((r, i) => (
                  <Table.Tr key={r.id ?? `pending ${i}`}>
                    <Table.Td>
                      <State word={r.pending ? 'pending' : r.granted ? 'granted' : 'withdrawn'} />
                    </Table.Td>
                    <Table.Td>
                      <Group gap={6} wrap="nowrap">
                        <ChannelIcon channel={r.channel} size={20} />
                        <span>
                          {name(r.channel)} ·{' '}
                          {r.topic ? topics.title(r.topic) : t('topic.every')}
                          {r.purpose === 'transactional' && ` · ${t('purpose.transactional')}`}
                        </span>
                      </Group>
                    </Table.Td>
                    <Table.Td>{r.source}</Table.Td>
                    <Table.Td>
                      <Proof of={r} />
                    </Table.Td>
                    <Table.Td className={classes.when}>{r.at ? <When at={r.at} as="full" /> : '—'}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Sideways>
        )}
        {history.more.has && (
          <Button mt="sm" size="xs" variant="default" onClick={history.more.load} leftSection={history.more.busy && <Loader size={12} />}>
            {t('older')}
          </Button>
        )}
      </section>
    </Stack>
  )
}

function Proof({ of: r }: { of: Consent }) {
  const { t } = useTranslation('customers')
  const parts = [r.text_version && t('consent.wording', { version: r.text_version }), r.proof, r.ip].filter(Boolean)
  return <Text size="sm">{parts.length ? parts.join(' · ') : '—'}</Text>
}

const colours = { granted: 'green', withdrawn: 'red', pending: 'yellow', none: 'gray' } as const

function State({ word }: { word: Word | 'pending' }) {
  const { t } = useTranslation('customers')
  return (
    <Badge variant="dot" color={colours[word]} tt="none" fw={500} miw="max-content">
      {t(`consent.is.${word}`)}
    </Badge>
  )
}

function Cell({ word, label, onClick }: { word: Word; label: string; onClick?: () => void }) {
  const { t } = useTranslation('customers')
  if (!onClick) return <State word={word} />
  return (
    <Button variant="subtle" color="gray" size="compact-sm" px={2} aria-label={`${label}: ${t(`consent.is.${word}`)}. ${t('consent.change')}`} onClick={onClick}>
      <State word={word} />
    </Button>
  )
}

type First = { channel: string; topic: string; granted: boolean }

function Record({ customer, first, close }: { customer: string; first: Partial<First>; close: () => void }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const name = useChannelName()
  const tell = useTell()
  const refresh = useRefresh()
  const [granted, setGranted] = useState(first.granted ?? true)
  const [channel, setChannel] = useState(first.channel ?? 'email')
  const [topic, setTopic] = useState(first.topic ?? '')
  const [source, setSource] = useState('')
  const [version, setVersion] = useState('')
  const [proof, setProof] = useState('')
  const save = useMutation({
    mutationFn: () => need(client.POST('/v1/customers/{id}/consents', { params: { path: { id: customer } }, body: { channel: channel as 'email', purpose: 'marketing', topic: topic || undefined, granted, source: source.trim(), text_version: version.trim(), proof: proof.trim() || undefined } })),
    onSuccess: () => {
      refresh(customer)
      tell.done(t('consent.saved'))
      close()
    },
  })
  const wrong = fieldErrors(save.error)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="sm">
        <SegmentedControl fullWidth aria-label={t('consent.column.said')} value={granted ? 'yes' : 'no'} onChange={(v) => setGranted(v === 'yes')} data={[{ value: 'yes', label: t('consent.grant') }, { value: 'no', label: t('consent.withdraw') }]} />
        <Group grow align="flex-start">
          <Select label={t('filter.channel')} allowDeselect={false} data={channels.map((x) => ({ value: x, label: name(x) }))} value={channel} onChange={(x) => setChannel(x!)} />
          <TopicSelect label={t('filter.topic')} value={topic} onChange={setTopic} />
        </Group>
        <TextInput label={t('consent.source')} description={t('consent.sourceAbout')} required maxLength={200} value={source} onChange={(e) => setSource(e.currentTarget.value)} error={wrong.source} data-autofocus />
        <TextInput label={t('consent.version')} description={t('consent.versionAbout')} required maxLength={200} value={version} onChange={(e) => setVersion(e.currentTarget.value)} error={wrong.text_version} />
        <TextInput label={t('consent.proof')} description={t('consent.proofAbout')} maxLength={2000} value={proof} onChange={(e) => setProof(e.currentTarget.value)} error={wrong.proof} />
        {save.error && <ProblemAlert error={save.error} />}
        <Text size="xs" c="dimmed">
          {t('consent.appendOnly')}
        </Text>
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            {common('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
