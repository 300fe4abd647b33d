import { Badge, Button, Group, Skeleton, Switch, Text, Title } from '@mantine/core'
import { IconArrowMerge } from '@tabler/icons-react'
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { confirm } from '../../ui/confirm'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { Area } from './Area'
import classes from './Merge.module.css'
import { mergeWith, useUndoMerge, Who } from './MergeWith'
import { nameOf } from './name'
import { useCode } from './words'

export function Merges() {
  const { t } = useTranslation('customers')
  return (
    <Area title={t('merges')} about={t('merge.about')}>
      <Proposals />
      <History />
      <Rules />
    </Area>
  )
}

/** The customers of some ids, asked for once each. */
function usePeople(ids: string[]): Map<string, Schemas['Customer']> {
  const asked = useQueries({ queries: [...new Set(ids)].map((id) => ({ queryKey: ['customers', 'one', id], staleTime: 60_000, retry: false, queryFn: () => need(client.GET('/v1/customers/{id}', { params: { path: { id } } })) })) })
  return new Map([...new Set(ids)].flatMap((id, i) => (asked[i]?.data ? [[id, asked[i].data] as const] : [])))
}

function Proposals() {
  const { t } = useTranslation('customers')
  const can = useCan()
  const code = useCode()
  const list = usePages(['merges', 'proposals'], (cursor, signal) => need(client.GET('/v1/merges/proposals', { params: { query: { cursor, limit: 500 } }, signal })), { idOf: (p) => `${p.from} ${p.into}` })
  // Few at a time: who they are is asked for one by one.
  const [few, setFew] = useState(8)
  const shown = list.rows.slice(0, few)
  const people = usePeople(shown.flatMap((p) => [p.from, p.into]))
  // A page without a pair is not the last: a few more are looked at by themselves.
  const pages = list.data?.pages.length ?? 0
  const on = list.rows.length === 0 && list.more.has && !list.more.busy && pages < 5
  useEffect(() => {
    if (on) list.more.load()
  }, [on, list.more])
  return (
    <section className={classes.section}>
      <Title order={2}>{t('merge.proposals')}</Title>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending || on ? (
        <Loading rows={3} height={84} />
      ) : list.rows.length === 0 ? (
        <Empty icon={IconArrowMerge} title={t('merge.noProposals')}>
          {t('merge.noProposalsAbout')}
        </Empty>
      ) : (
        <ul className={classes.list}>
          {shown.map((p) => {
            const from = people.get(p.from)
            const into = people.get(p.into)
            if (!from || !into) return <li key={`${p.from} ${p.into}`}><Skeleton height={112} my={12} radius="md" /></li>
            return (
              <li key={`${p.from} ${p.into}`} className={classes.proposal}>
                <Who customer={into} />
                <Who customer={from} />
                <div className={classes.reasons}>
                  {p.reasons.map((r) => (
                    <Badge key={r} variant="default" tt="none" fw={500}>
                      {code('why', r)}
                    </Badge>
                  ))}
                </div>
                {can('write:customers') && (
                  <div className={classes.act}>
                    <Button size="xs" variant="default" aria-label={`${t('merge.look')}: ${nameOf(into)}, ${nameOf(from)}`} onClick={() => mergeWith({ title: t('merge.title'), a: into, b: from })}>
                      {t('merge.look')}
                    </Button>
                  </div>
                )}
              </li>
            )
          })}
        </ul>
      )}
      {shown.length < list.rows.length && (
        <Button mt="sm" size="xs" variant="default" onClick={() => setFew(few + 8)}>
          {t('merge.few', { count: list.rows.length - shown.length })}
        </Button>
      )}
      {list.more.has && !on && shown.length === list.rows.length && (
        <Group mt="sm" gap="sm">
          <Button size="xs" variant="default" loading={list.more.busy} onClick={list.more.load}>
            {t('merge.more')}
          </Button>
          <Text size="xs" c="dimmed">
            {t('merge.seen', { count: pages })}
          </Text>
        </Group>
      )}
    </section>
  )
}

function History() {
  const { t } = useTranslation('customers')
  const can = useCan()
  const undo = useUndoMerge()
  const list = usePages(['merges', 'done'], (cursor, signal) => need(client.GET('/v1/merges', { params: { query: { cursor, limit: 20 } }, signal })))
  const people = usePeople(list.rows.map((m) => m.into))
  return (
    <section className={classes.section}>
      <Title order={2} mb="xs">
        {t('merge.history')}
      </Title>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={2} height={44} />
      ) : list.rows.length === 0 ? (
        <Text c="dimmed" size="sm">
          {t('merge.noHistory')}
        </Text>
      ) : (
        <ul className={classes.list}>
          {list.rows.map((m) => (
            <li key={m.id} className={classes.done}>
              <div>
                <code>{m.from}</code> {t('merge.became')}{' '}
                <Link to="/customers/$id" params={{ id: m.into }}>
                  {people.get(m.into) ? nameOf(people.get(m.into)!) : m.into}
                </Link>
                <Text size="xs" c="dimmed">
                  {m.rule ? t('merge.byRule', { rule: m.rule }) : m.actor && t('merge.by', { who: m.actor })}
                  {m.undone_at && ` · ${t('merge.wasUndone', { who: m.undone_by ?? '' })}`}
                </Text>
              </div>
              <Text size="sm" c="dimmed">
                <When at={m.created_at} as="brief" />
              </Text>
              {can('write:customers') && !m.undone_at ? (
                <Button size="xs" variant="default" loading={undo.isPending && undo.variables === m.id} onClick={() => confirm({ title: t('merge.undoAsk'), about: t('merge.undoAbout'), act: t('merge.undo'), danger: false, onYes: () => undo.mutate(m.id) })}>
                  {t('merge.undo')}
                </Button>
              ) : (
                <span />
              )}
            </li>
          ))}
        </ul>
      )}
      {list.more.has && (
        <Button mt="sm" size="xs" variant="default" loading={list.more.busy} onClick={list.more.load}>
          {t('older')}
        </Button>
      )}
    </section>
  )
}

function Rules() {
  const { t } = useTranslation('customers')
  const can = useCan()
  const tell = useTell()
  const queries = useQueryClient()
  const query = $api.useQuery('get', '/v1/merges/rules')
  const save = useMutation({
    mutationFn: (same_phone: boolean) => need(client.PUT('/v1/merges/rules', { body: { same_phone } })),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['get', '/v1/merges/rules'] }),
    onError: tell.failed,
  })
  return (
    <section className={classes.section}>
      <Title order={2} mb="xs">
        {t('merge.rules')}
      </Title>
      <Answer of={query} loading={<Loading rows={1} height={52} />}>
        {(rules) => <Switch label={t('merge.samePhone')} description={t('merge.samePhoneAbout')} checked={save.isPending ? save.variables : rules.same_phone} disabled={!can('write:customers')} onChange={(e) => save.mutate(e.currentTarget.checked)} />}
      </Answer>
    </section>
  )
}
