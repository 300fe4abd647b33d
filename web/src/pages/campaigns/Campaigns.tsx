import { ActionIcon, Button, Menu, SegmentedControl, Skeleton, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconCopy, IconDots, IconPencil, IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconPlus, IconSearch, IconSend, IconTrash } from '@tabler/icons-react'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { Page } from '../../ui/Page'
import { ProblemAlert } from '../../ui/Problem'
import { Rows } from '../../ui/Rows'
import { When } from '../../ui/When'
import { may, useActs } from './acts'
import { Bar } from './Bar'
import { begins, reached, settled, useLiveCampaigns, type Campaign } from './campaign'
import classes from './Campaigns.module.css'
import { Status } from './Status'
import type { Status as S } from './words'

const filters = ['', 'draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled'] as const
type Filter = (typeof filters)[number]

export function Campaigns() {
  const { t } = useTranslation('campaigns')
  const can = useCan()
  const go = useNavigate()
  const search = useSearch({ strict: false }) as { status?: unknown; q?: unknown }
  const status = filters.find((f) => f === search.status) ?? ''
  const q = typeof search.q === 'string' ? search.q : ''
  const [text, setText] = useState(q)
  const ask = (change: { status?: Filter; q?: string }) => {
    const next = { status, q, ...change }
    void go({ to: '/campaigns', search: { status: next.status || undefined, q: next.q || undefined }, replace: true })
  }
  const later = useDebouncedCallback((q: string) => ask({ q: q.trim() }), 250)
  useLiveCampaigns()
  const list = usePages(['campaigns', { status, q }], (cursor, signal) => need(client.GET('/v1/campaigns', { params: { query: { status: status || undefined, q: q || undefined, cursor, limit: 50 } }, signal })))
  const create = can('write:campaigns') && (
    <Button component={Link} to="/campaigns/new" leftSection={<IconPlus size={16} />}>
      {t('new')}
    </Button>
  )
  return (
    <Page title={t('title')} actions={create}>
      <div className={classes.tools}>
        <TextInput className={classes.search} aria-label={t('find')} placeholder={t('find')} leftSection={<IconSearch size={16} aria-hidden />} value={text} onChange={(e) => { setText(e.currentTarget.value); later(e.currentTarget.value) }} />
        <div className={classes.filters}>
          <SegmentedControl size="xs" aria-label={t('filter')} value={status} onChange={(v) => ask({ status: v as Filter })} data={filters.map((f) => ({ value: f, label: f === '' ? t('all') : t(`status.${f}`) }))} />
        </div>
      </div>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={8} height={56} />
      ) : list.rows.length === 0 ? (
        status || q ? (
          <Empty icon={IconSearch} title={t('none.title')} action={<Button variant="default" onClick={() => { setText(''); ask({ status: '', q: '' }) }}>{t('none.clear')}</Button>}>{t('none.about')}</Empty>
        ) : (
          <Empty icon={IconSend} title={t('empty.title')} action={create}>{t('empty.about')}</Empty>
        )
      ) : (
        <div className={classes.list}>
          <div className={classes.head} aria-hidden>
            <span>{t('column.name')}</span>
            <span>{t('column.status')}</span>
            <span>{t('column.progress')}</span>
            <span className={classes.num}>{t('column.delivered')}</span>
            <span className={classes.num}>{t('column.replied')}</span>
            <span className={classes.num}>{t('column.when')}</span>
            <span />
          </div>
          <div className={classes.rows}>
            <Rows rows={list.rows} keyOf={(c) => c.id} height={61} label={t('title')} more={list.more} row={(c) => <Row campaign={c} />} />
          </div>
        </div>
      )}
    </Page>
  )
}

const Row = memo(function Row({ campaign: c }: { campaign: Campaign }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const n = c.counts
  const draft = c.status === 'draft'
  const delivered = n && reached(n) > 0 ? n.delivered / (reached(n) + n.failed) : undefined
  const name = c.name || t('untitled')
  return (
    <div className={classes.row}>
      <div className={classes.name}>
        {draft ? (
          <Link className={classes.link} to="/campaigns/$id/edit" params={{ id: c.id }}>{name}</Link>
        ) : (
          <Link className={classes.link} to="/campaigns/$id" params={{ id: c.id }}>{name}</Link>
        )}
        <Text size="xs" c="dimmed" truncate>
          {[t(`purpose.${c.purpose as 'marketing'}`), c.template].filter(Boolean).join(' · ')}
        </Text>
      </div>
      <span className={classes.status}>
        <Status of={c.status as S} />
      </span>
      <div className={classes.progress}>
        {!n ? (
          <Skeleton height={6} radius={3} />
        ) : draft ? (
          <Text size="xs" c="dimmed">{c.everyone ? t('audience.everyone') : c.segment ? t('audience.segment', { key: c.segment.key }) : t('audience.count', { count: n.audience, n: format.number(n.audience) })}</Text>
        ) : (
          <>
            <Bar counts={n} />
            <Text size="xs" c="dimmed" className={classes.tabular}>{t('progress', { done: format.number(settled(n)), planned: format.number(n.planned) })}</Text>
          </>
        )}
      </div>
      <span className={classes.num} data-label={t('column.delivered')}>{delivered === undefined ? '–' : format.percent(delivered)}</span>
      <span className={classes.num} data-label={t('column.replied')}>{n && !draft ? format.number(n.replied) : '–'}</span>
      <span className={classes.when}>
        <When at={begins(c) ?? c.created_at} as="brief" />
      </span>
      <RowMenu campaign={c} name={name} />
    </div>
  )
})

function RowMenu({ campaign: c, name }: { campaign: Campaign; name: string }) {
  const { t } = useTranslation('campaigns')
  const { t: common } = useTranslation()
  const can = useCan()
  const acts = useActs()
  if (!can('write:campaigns')) return <span />
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('act.more', { name })}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {c.status === 'draft' && <Menu.Item component={Link} to={`/campaigns/${c.id}/edit`} leftSection={<IconPencil size={16} />}>{common('edit')}</Menu.Item>}
        {may.pause(c.status) && <Menu.Item leftSection={<IconPlayerPause size={16} />} onClick={() => acts.pause(c)}>{t('act.pause')}</Menu.Item>}
        {may.resume(c.status) && <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => acts.resume(c)}>{t('act.resume')}</Menu.Item>}
        <Menu.Item leftSection={<IconCopy size={16} />} onClick={() => acts.duplicate(c)}>{t('act.duplicate')}</Menu.Item>
        {may.cancel(c.status) && <Menu.Item color="red" leftSection={<IconPlayerStop size={16} />} onClick={() => acts.cancel(c)}>{t('act.cancel')}</Menu.Item>}
        {c.status === 'draft' && <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => acts.drop(c)}>{common('delete')}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  )
}
