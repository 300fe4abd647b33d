import { ActionIcon, Button, Group, Stack, Table, Text } from '@mantine/core'
import { IconArrowsExchange } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { router } from '../../router'
import { ChannelIcon } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { dialog } from './dialog'
import classes from './Merge.module.css'
import { useChoiceWords } from './choice'
import { nameOf } from './name'
import { Pick } from './Pick'

type Person = Schemas['Customer']

/** Opens the merge of two customers: a with one to be found, or with b. The first survives until they are swapped. */
export function mergeWith({ title, a, b, onDone }: { title: string; a: Person; b?: Person; onDone?: () => void }) {
  dialog({ title, size: 'xl', children: (close) => <Merge a={a} b={b} close={() => (close(), onDone?.())} /> })
}

function Merge({ a, b, close }: { a: Person; b?: Person; close: () => void }) {
  const { t } = useTranslation('customers')
  const [pair, setPair] = useState<{ into: Person; from: Person } | null>(b ? { into: a, from: b } : null)
  if (!pair) return <Pick label={t('merge.whom', { name: nameOf(a) })} except={a.id} onPick={(c) => setPair({ into: a, from: c })} />
  return <Preview {...pair} swap={() => setPair({ into: pair.from, from: pair.into })} close={close} />
}

export function useUndoMerge() {
  const { t } = useTranslation('customers')
  const tell = useTell()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => need(client.POST('/v1/merges/{id}/undo', { params: { path: { id } }, body: {} })),
    onSuccess: () => {
      tell.done(t('merge.undone'))
      void queries.invalidateQueries()
    },
    onError: tell.failed,
  })
}

function Preview({ into, from, swap, close }: { into: Person; from: Person; swap: () => void; close: () => void }) {
  const { t } = useTranslation('customers')
  const tell = useTell()
  const queries = useQueryClient()
  const format = useFormat()
  const words = useChoiceWords()
  const undo = useUndoMerge()
  const preview = useQuery({ queryKey: ['merge-preview', into.id, from.id], gcTime: 0, retry: false, queryFn: () => need(client.POST('/v1/merges/preview', { body: { into: into.id, from: from.id } })) })
  const merge = useMutation({
    mutationFn: () => need(client.POST('/v1/merges', { body: { into: into.id, from: from.id } })),
    onSuccess: (m) => {
      close()
      void queries.invalidateQueries()
      void router.navigate({ to: '/customers/$id', params: { id: into.id } })
      tell.done(t('merge.done', { from: nameOf(from), into: nameOf(into) }), () => undo.mutate(m.id))
    },
  })
  const p = preview.data
  return (
    <Stack gap="md">
      <div className={classes.pair}>
        <Who customer={from} about={t('merge.goes')} />
        <ActionIcon variant="default" size={36} aria-label={t('merge.swap')} title={t('merge.swap')} onClick={swap}>
          <IconArrowsExchange size={18} />
        </ActionIcon>
        <Who customer={into} about={t('merge.survives')} strong />
      </div>
      {preview.error ? (
        <ProblemAlert error={preview.error} />
      ) : !p ? (
        <Loading rows={4} height={32} />
      ) : (
        <>
          <Text size="sm">
            {t('merge.moves')}{' '}
            {[t('merge.addresses', { count: p.addresses.length }), t('merge.messages', { count: p.messages, n: format.number(p.messages) }), t('merge.threads', { count: p.threads }), t('merge.entries', { count: p.entries, n: format.number(p.entries) }), t('merge.events', { count: p.events, n: format.number(p.events) })].join(', ')}.
          </Text>
          {p.choices.length > 0 && (
            <div className={classes.scroll}>
              <Table aria-label={t('merge.choices')} verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('merge.field')}</Table.Th>
                    <Table.Th>{nameOf(from)}</Table.Th>
                    <Table.Th>{nameOf(into)}</Table.Th>
                    <Table.Th>{t('merge.result')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {p.choices.map((c, i) => (
                    <Table.Tr key={i}>
                      <Table.Td>{words.field(c.field)}</Table.Td>
                      <Table.Td data-lost={c.winner === 'into' || undefined} className={classes.side}>
                        {words.value(c.from)}
                      </Table.Td>
                      <Table.Td data-lost={c.winner === 'from' || undefined} className={classes.side}>
                        {words.value(c.into)}
                      </Table.Td>
                      <Table.Td fw={600}>{words.value(c.result)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
          )}
          <Text size="xs" c="dimmed">
            {t('merge.rule')}
          </Text>
        </>
      )}
      {merge.error && <ProblemAlert error={merge.error} />}
      <Group justify="flex-end">
        <Button disabled={!p} loading={merge.isPending} onClick={() => merge.mutate()}>
          {t('merge.act')}
        </Button>
      </Group>
    </Stack>
  )
}

export function Who({ customer: c, about, strong }: { customer: Person; about?: string; strong?: boolean }) {
  return (
    <div className={classes.who} data-strong={strong || undefined}>
      <Group gap={10} wrap="nowrap">
        <Face name={nameOf(c)} />
        <div className={classes.name}>
          <Text fw={600} lineClamp={1}>
            {nameOf(c)}
          </Text>
          <Text size="xs" c="dimmed" lineClamp={1}>
            {[about, c.external_id].filter(Boolean).join(' · ')}
          </Text>
        </div>
      </Group>
      <ul>
        {c.addresses.map((a) => (
          <li key={a.id}>
            <ChannelIcon channel={a.channel} size={18} /> <span>{a.address}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
