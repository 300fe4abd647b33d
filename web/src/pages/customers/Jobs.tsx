import { Anchor, Badge, Button, Group, Progress, Table, Text, Title } from '@mantine/core'
import { IconDownload, IconUsers } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { download } from './download'
import classes from './Import.module.css'

const colours = { queued: 'gray', running: 'rapport', finished: 'green', failed: 'red' } as const

function Status({ job }: { job: Schemas['Job'] }) {
  const { t } = useTranslation('customers')
  return (
    <Badge variant="dot" color={colours[job.status]} tt="none" fw={500} miw={90}>
      {t(`job.${job.status}`)}
    </Badge>
  )
}

/** One import as it goes, and what it refused. */
export function Job({ id, again }: { id: string; again: () => void }) {
  const { t } = useTranslation('customers')
  const format = useFormat()
  const queries = useQueryClient()
  const query = useQuery({
    queryKey: ['jobs', id],
    queryFn: () => need(client.GET('/v1/jobs/{id}', { params: { path: { id } } })),
    refetchInterval: (q) => (q.state.data && (q.state.data.status === 'finished' || q.state.data.status === 'failed') ? false : 700),
  })
  const job = query.data
  const over = job?.status === 'finished' || job?.status === 'failed'
  useEffect(() => {
    if (!over) return
    void queries.invalidateQueries({ queryKey: ['customers'] })
    void queries.invalidateQueries({ queryKey: ['jobs', 'list'] })
  }, [over, queries])
  if (query.error) return <ProblemAlert error={query.error} retry={() => void query.refetch()} />
  if (!job) return <Loading rows={3} />
  return (
    <section aria-label={t('job.title')}>
      <Group gap="sm" role="status">
        <Title order={2}>{over ? t(`job.over.${job.status as 'finished'}`) : t('job.going')}</Title>
        <Status job={job} />
      </Group>
      <Progress value={over ? 100 : job.total ? (job.processed / job.total) * 100 : 0} color={colours[job.status]} animated={job.status === 'running'} mt="sm" aria-label={t('job.progress')} />
      <dl className={classes.numbers}>
        {(['total', 'processed', 'done', 'rejected'] as const).map((k) => (
          <div key={k}>
            <dt>{t(`job.${k}`)}</dt>
            <dd>{format.number(job[k])}</dd>
          </div>
        ))}
      </dl>
      {job.error && (
        <Text c="red" role="alert" mb="sm">
          {job.error}
        </Text>
      )}
      {over && job.rejected > 0 && <Rejects job={job} />}
      {over && (
        <Group gap="xs" mt="md">
          <Button component={Link} to="/customers" leftSection={<IconUsers size={16} />}>
            {t('job.toCustomers')}
          </Button>
          <Button variant="default" onClick={again}>
            {t('job.again')}
          </Button>
        </Group>
      )}
    </section>
  )
}

function Rejects({ job }: { job: Schemas['Job'] }) {
  const { t } = useTranslation('customers')
  const tell = useTell()
  const format = useFormat()
  const list = usePages(['jobs', job.id, 'rejects'], (cursor, signal) => need(client.GET('/v1/jobs/{id}/rejects', { params: { path: { id: job.id }, query: { cursor, limit: 100 } }, signal })) as Promise<Schemas['ListReject']>)
  const save = useMutation({
    mutationFn: () => need(client.GET('/v1/jobs/{id}/rejects', { params: { path: { id: job.id } }, headers: { Accept: 'text/csv' }, parseAs: 'text' })) as Promise<unknown> as Promise<string>,
    onSuccess: (text) => download(`refused-${job.id}.csv`, 'text/csv', text),
    onError: tell.failed,
  })
  return (
    <section>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{t('job.refused', { count: job.rejected, n: format.number(job.rejected) })}</Title>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} loading={save.isPending} onClick={() => save.mutate()}>
          {t('job.download')}
        </Button>
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {t('job.mend')}
      </Text>
      <Table aria-label={t('job.refusedTable')} verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={90}>{t('job.line')}</Table.Th>
            <Table.Th>{t('job.reason')}</Table.Th>
            <Table.Th className={classes.row}>{t('job.row')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {list.rows.map((r, i) => (
            <Table.Tr key={i}>
              <Table.Td>{format.number(r.line)}</Table.Td>
              <Table.Td>{r.reason}</Table.Td>
              <Table.Td className={classes.row}>{r.cells?.filter(Boolean).join(' · ') ?? '—'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {list.more.has && (
        <Button mt="sm" size="xs" variant="default" loading={list.more.busy} onClick={list.more.load}>
          {t('older')}
        </Button>
      )}
    </section>
  )
}

/** Earlier imports. */
export function Jobs({ current, onOpen }: { current?: string; onOpen: (id: string) => void }) {
  const { t } = useTranslation('customers')
  const can = useCan()
  const format = useFormat()
  const list = usePages(['jobs', 'list'], (cursor, signal) => need(client.GET('/v1/jobs', { params: { query: { cursor, limit: 20 } }, signal })), { enabled: can('read:jobs') })
  const jobs = list.rows.filter((j) => j.kind === 'import' && j.id !== current)
  if (jobs.length === 0) return null
  return (
    <section className={classes.jobs}>
      <Title order={2} mb="xs">
        {t('job.earlier')}
      </Title>
      <div className={classes.scroll}>
        <Table aria-label={t('job.earlier')} verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('job.when')}</Table.Th>
              <Table.Th>{t('job.status')}</Table.Th>
              <Table.Th className={classes.num}>{t('job.total')}</Table.Th>
              <Table.Th className={classes.num}>{t('job.done')}</Table.Th>
              <Table.Th className={classes.num}>{t('job.rejected')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {jobs.map((j) => (
              <Table.Tr key={j.id}>
                <Table.Td>
                  <Anchor component="button" type="button" size="sm" onClick={() => onOpen(j.id)}>
                    <When at={j.created_at} as="full" />
                  </Anchor>
                </Table.Td>
                <Table.Td>
                  <Status job={j} />
                </Table.Td>
                <Table.Td className={classes.num}>{format.number(j.total)}</Table.Td>
                <Table.Td className={classes.num}>{format.number(j.done)}</Table.Td>
                <Table.Td className={classes.num}>{format.number(j.rejected)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </section>
  )
}
