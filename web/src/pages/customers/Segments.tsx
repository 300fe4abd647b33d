import { ActionIcon, Anchor, Button, Group, Skeleton, Text } from '@mantine/core'
import { IconPencil, IconPlus, IconTrash, IconUsersGroup } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { confirm } from '../../ui/confirm'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { Area } from './Area'
import { editSegment } from './SegmentEditor'
import { useFilterWords } from './sentence'
import classes from './Segments.module.css'

export function Segments() {
  const { t } = useTranslation('customers')
  const can = useCan()
  const list = usePages(['segments'], (cursor, signal) => need(client.GET('/v1/segments', { params: { query: { cursor, limit: 100 } }, signal })))
  const add = can('write:customers') && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => editSegment({ title: t('segment.new') })}>
      {t('segment.new')}
    </Button>
  )
  return (
    <Area title={t('segments')} about={t('segment.about')} actions={list.rows.length > 0 && add}>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={5} height={60} />
      ) : list.rows.length === 0 ? (
        <Empty icon={IconUsersGroup} title={t('segment.empty')} action={add}>
          {t('segment.emptyAbout')}
        </Empty>
      ) : (
        <>
          <ul className={classes.list}>
            {list.rows.map((s) => (
              <Item key={s.id} segment={s} />
            ))}
          </ul>
          {list.more.has && (
            <Button mt="sm" variant="default" loading={list.more.busy} onClick={list.more.load}>
              {t('older')}
            </Button>
          )}
        </>
      )}
    </Area>
  )
}

function Item({ segment: s }: { segment: Schemas['Segment'] }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const can = useCan()
  const tell = useTell()
  const format = useFormat()
  const queries = useQueryClient()
  const sentence = useFilterWords()
  const count = useQuery({ queryKey: ['segments', 'count', s.id, s.version], queryFn: () => need(client.POST('/v1/segments/preview', { body: { filter: s.filter } })), retry: false })
  const changed = () => {
    void queries.invalidateQueries({ queryKey: ['segments'], exact: true })
    void queries.invalidateQueries({ queryKey: ['get', '/v1/segments'] })
  }
  const again = useMutation({ mutationFn: () => need(client.POST('/v1/segments', { body: { key: s.key, name: s.name, filter: s.filter } })), onSuccess: changed, onError: tell.failed })
  const remove = useMutation({
    mutationFn: () => need(client.DELETE('/v1/segments/{id}', { params: { path: { id: s.id } } })),
    onSuccess: () => {
      changed()
      tell.done(t('segment.deleted', { name: s.name }), () => again.mutate())
    },
    onError: tell.failed,
  })
  return (
    <li className={classes.item}>
      <div>
        <Anchor component={Link} to="/customers" search={{ segment: s.key } as never} fw={550} c="inherit">
          {s.name}
        </Anchor>
        <Text size="sm" c="dimmed" lineClamp={2}>
          {sentence(s.filter)}
        </Text>
      </div>
      <span className={classes.count}>{count.data ? t('segment.count', { count: count.data.count, n: format.number(count.data.count) }) : count.error ? '—' : <Skeleton height={16} width={80} ml="auto" />}</span>
      <Text size="sm" c="dimmed" className={classes.changed}>
        <When at={s.updated_at} as="brief" />
      </Text>
      {can('write:customers') && (
        <Group gap={4} className={classes.acts} wrap="nowrap">
          <ActionIcon variant="subtle" color="gray" aria-label={t('segment.edit', { name: s.name })} onClick={() => editSegment({ title: t('segment.edit', { name: s.name }), segment: s })}>
            <IconPencil size={17} stroke={1.7} />
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" aria-label={t('segment.delete', { name: s.name })} onClick={() => confirm({ title: t('segment.delete', { name: s.name }), about: t('segment.deleteAbout'), act: common('delete'), onYes: () => remove.mutate() })}>
            <IconTrash size={17} stroke={1.7} />
          </ActionIcon>
        </Group>
      )}
    </li>
  )
}
