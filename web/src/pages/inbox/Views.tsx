import { ActionIcon, Group, Menu, Modal, UnstyledButton } from '@mantine/core'
import { IconBookmarkPlus, IconCheck, IconChevronDown, IconInbox, IconPencil, IconUsers } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { confirm } from '../../ui/confirm'
import { FocusBack } from '../../ui/focus-back'
import { useTell } from '../../ui/Problem'
import { usePlace, viewFilter } from './filter'
import { ViewForm } from './ViewForm'
import classes from './List.module.css'

/** The name of what one looks at, and the other views: mine and everybody's. */
export function Views() {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()('write:threads')
  const queries = useQueryClient()
  const tell = useTell()
  const { filter, setFilter, me } = usePlace()
  const { data } = useQuery({ queryKey: ['views', me], staleTime: 60_000, queryFn: async () => (await need(client.GET('/v1/views', { params: { query: { agent: me, limit: 200 } } }))).data })
  const [saving, setSaving] = useState(false)
  const [editing, setEditing] = useState<Schemas['View']>()
  const current = data?.find((v) => v.id === filter.view)
  const show = (v: Schemas['View']) => setFilter({ channel: undefined, label: undefined, priority: undefined, intent: undefined, sentiment: undefined, campaign: undefined, unread: undefined, order: undefined, ...viewFilter(v.filter, me), view: v.id })
  const remove = (v: Schemas['View']) =>
    confirm({
      title: t('view.deleteTitle', { name: v.name }),
      about: v.shared ? t('view.deleteShared') : t('view.deleteAbout'),
      act: t('common:delete'),
      onYes: async () => {
        try {
          await need(client.DELETE('/v1/views/{id}', { params: { path: { id: v.id } } }))
          if (filter.view === v.id) setFilter({ view: undefined })
        } catch (e) {
          tell.failed(e)
        }
        void queries.invalidateQueries({ queryKey: ['views'] })
      },
    })
  return (
    <>
      <Menu position="bottom-start" withinPortal width={250}>
        <Menu.Target>
          <UnstyledButton className={classes.views} aria-label={t('view.label', { name: current?.name ?? t('title') })}>
            <h1>{current?.name ?? t('title')}</h1>
            <IconChevronDown size={15} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconInbox size={16} />} rightSection={filter.view ? undefined : <IconCheck size={14} />} onClick={() => setFilter({ tab: 'all', status: 'open', sort: 'last_activity', order: undefined, channel: undefined, label: undefined, priority: undefined, intent: undefined, sentiment: undefined, campaign: undefined, unread: undefined, view: undefined })}>
            {t('view.everything')}
          </Menu.Item>
          {(data?.length ?? 0) > 0 && <Menu.Label>{t('view.saved')}</Menu.Label>}
          {data?.map((v) => (
            <Group key={v.id} gap={2} wrap="nowrap">
              <Menu.Item leftSection={v.shared ? <IconUsers size={16} /> : undefined} rightSection={v.id === filter.view ? <IconCheck size={14} /> : undefined} onClick={() => show(v)}>
                {v.name}
              </Menu.Item>
              {can && (
                <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('view.edit', { name: v.name })} onClick={() => setEditing(v)}>
                  <IconPencil size={14} />
                </ActionIcon>
              )}
            </Group>
          ))}
          {can && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconBookmarkPlus size={16} />} onClick={() => setSaving(true)}>
                {t('view.save')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={saving} onClose={() => setSaving(false)} title={t('view.save')} size="sm" closeButtonProps={{ 'aria-label': t('common:close') }}>
        <FocusBack />
        <ViewForm
          done={(v) => {
            setSaving(false)
            void queries.invalidateQueries({ queryKey: ['views'] })
            setFilter({ view: v.id })
          }}
        />
      </Modal>
      <Modal opened={editing !== undefined} onClose={() => setEditing(undefined)} title={t('view.editTitle')} size="sm" closeButtonProps={{ 'aria-label': t('common:close') }}>
        <FocusBack />
        {editing && (
          <ViewForm
            key={editing.id}
            view={editing}
            done={(v) => {
              setEditing(undefined)
              void queries.invalidateQueries({ queryKey: ['views'] })
              if (filter.view === v.id) show(v)
            }}
            remove={() => {
              setEditing(undefined)
              remove(editing)
            }}
          />
        )}
      </Modal>
    </>
  )
}
