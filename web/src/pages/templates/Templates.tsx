import { ActionIcon, Button, Menu, SegmentedControl, Text, TextInput } from '@mantine/core'
import { IconArchive, IconArchiveOff, IconDots, IconPlus, IconSearch, IconTemplate } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { Page } from '../../ui/Page'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { Rows } from '../../ui/Rows'
import { When } from '../../ui/When'
import { NewTemplate } from './NewTemplate'
import classes from './Templates.module.css'

export function Templates() {
  const { t } = useTranslation('templates')
  const can = useCan()
  const [text, setText] = useState('')
  const [archived, setArchived] = useState(false)
  const [making, setMaking] = useState(false)
  const list = usePages(['templates', { archived }], (cursor, signal) => need(client.GET('/v1/templates', { params: { query: { archived: archived || undefined, cursor, limit: 200 } }, signal })), { idOf: (x) => x.key })
  const q = text.trim().toLowerCase()
  const rows = list.rows.filter((x) => !q || x.key.toLowerCase().includes(q) || x.topic?.toLowerCase().includes(q))
  const create = can('write:templates') && <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>{t('new')}</Button>
  return (
    <Page title={t('title')} actions={create}>
      <div className={classes.tools}>
        <TextInput className={classes.search} aria-label={t('find')} placeholder={t('find')} leftSection={<IconSearch size={16} aria-hidden />} value={text} onChange={(e) => setText(e.currentTarget.value)} />
        <SegmentedControl size="xs" aria-label={t('which')} value={archived ? 'archived' : 'active'} onChange={(v) => setArchived(v === 'archived')} data={[{ value: 'active', label: t('active') }, { value: 'archived', label: t('archived') }]} />
      </div>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={6} height={52} />
      ) : list.rows.length === 0 && !archived ? (
        <Empty icon={IconTemplate} title={t('empty.title')} action={create}>{t('empty.about')}</Empty>
      ) : rows.length === 0 ? (
        <Empty icon={IconSearch} title={t('none')} />
      ) : (
        <div className={classes.list}>
          <Rows rows={rows} keyOf={(x) => x.key} height={57} label={t('title')} more={list.more} row={(x) => <Row template={x} archived={archived} />} />
        </div>
      )}
      <NewTemplate opened={making} onClose={() => setMaking(false)} />
    </Page>
  )
}

function Row({ template: x, archived }: { template: Schemas['Template']; archived: boolean }) {
  const { t } = useTranslation('templates')
  const can = useCan()
  const tell = useTell()
  const queries = useQueryClient()
  const turn = useMutation({
    mutationFn: (to: boolean) => need(client.POST(to ? '/v1/templates/{key}/archive' : '/v1/templates/{key}/restore', { params: { path: { key: x.key } } })),
    onSuccess: (_, to) => {
      void queries.invalidateQueries({ queryKey: ['templates'] })
      tell.done(to ? t('did.archive', { key: x.key }) : t('did.restore', { key: x.key }), () => turn.mutate(!to))
    },
    onError: tell.failed,
  })
  return (
    <div className={classes.row}>
      <div className={classes.name}>
        <Link className={classes.link} to="/templates/$key" params={{ key: x.key }}>{x.key}</Link>
        <Text size="xs" c="dimmed" truncate>{[x.topic, x.required?.length ? t('needs', { names: x.required.join(', ') }) : ''].filter(Boolean).join(' · ')}</Text>
      </div>
      <Text size="sm" c="dimmed" className={classes.version}>{t('version', { n: x.version })}</Text>
      <Text size="sm" c="dimmed" className={classes.when}><When at={x.created_at} as="brief" /></Text>
      {can('write:templates') ? (
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={t('more', { key: x.key })}><IconDots size={18} /></ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {archived ? <Menu.Item leftSection={<IconArchiveOff size={16} />} onClick={() => turn.mutate(false)}>{t('restore')}</Menu.Item> : <Menu.Item leftSection={<IconArchive size={16} />} onClick={() => turn.mutate(true)}>{t('archive')}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
      ) : <span />}
    </div>
  )
}
