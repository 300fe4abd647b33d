import { ActionIcon, Button, ColorInput, ColorSwatch, Group, Modal, Text, TextInput, Tooltip } from '@mantine/core'
import { IconCheck, IconTrash } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { confirm } from '../../ui/confirm'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { useLabels } from './Choose'
import { colourOf, colours } from './Marks'
import classes from './Labels.module.css'

/** The labels over the inbox, where one is wanted at once. */
export function Labels({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  return (
    <Modal opened={opened} onClose={onClose} title={t('label.manage')} size="md" closeButtonProps={{ 'aria-label': t('common:close') }}>
      <AllLabels />
    </Modal>
  )
}

/** All labels: what they are called, how they look, and how many conversations carry them. The same in the inbox and in the settings. */
export function AllLabels() {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()('write:threads')
  const labels = useLabels()
  const { save } = useSave()
  const [name, setName] = useState('')
  const fresh = name.trim()
  const make = async () => {
    if (await save(fresh, { colour: colourOf(fresh) })) setName('')
  }
  return (
    <>
      {labels.data?.length === 0 && (
        <Text size="sm" c="dimmed" mb="sm">
          {t('label.noneYet')}
        </Text>
      )}
      {labels.error && !labels.data && <ProblemAlert error={labels.error} retry={() => void labels.refetch()} />}
      {labels.isPending && <Loading rows={4} height={30} />}
      <ul className={classes.list}>
        {labels.data?.map((l) => <One key={l.name} label={l} can={can} />)}
      </ul>
      {can && <form
        onSubmit={(e) => {
          e.preventDefault()
          e.stopPropagation()
          if (fresh) void make()
        }}
      >
        <Group gap="xs" wrap="nowrap" mt="md">
          <TextInput flex={1} size="sm" maxLength={100} value={name} onChange={(e) => setName(e.currentTarget.value)} placeholder={t('label.new')} aria-label={t('label.new')} />
          <Button type="submit" size="sm" variant="default" disabled={!fresh}>
            {t('label.add')}
          </Button>
        </Group>
      </form>}
    </>
  )
}

function useSave() {
  const queries = useQueryClient()
  const tell = useTell()
  /** Asks anew for everything that shows labels. */
  const refresh = () => {
    for (const key of ['labels', 'threads', 'thread', 'views']) void queries.invalidateQueries({ queryKey: [key] })
  }
  const save = async (name: string, body: Schemas['LabelInput']) => {
    try {
      await need(client.PUT('/v1/labels/{name}', { params: { path: { name } }, body }))
    } catch (e) {
      tell.failed(e)
      return false
    }
    refresh()
    return true
  }
  return { save, refresh }
}

function One({ label: l, can }: { label: Schemas['Label']; can: boolean }) {
  const { t } = useTranslation(['inbox', 'common'])
  const tell = useTell()
  const { save, refresh } = useSave()
  const [name, setName] = useState(l.name)
  const changed = name.trim() !== '' && name.trim() !== l.name
  const colour = l.colour || colourOf(l.name)
  const rename = () => changed && void save(l.name, { colour, name: name.trim() })
  const remove = () =>
    confirm({
      title: t('label.deleteTitle', { label: l.name }),
      about: l.threads > 0 ? t('label.deleteAbout', { count: l.threads }) : t('label.deleteUnused'),
      act: t('common:delete'),
      onYes: async () => {
        try {
          await need(client.DELETE('/v1/labels/{name}', { params: { path: { name: l.name } } }))
        } catch (e) {
          tell.failed(e)
        }
        refresh()
      },
    })
  if (!can)
    return (
      <li className={classes.one}>
        <ColorSwatch size={16} color={colour} withShadow={false} aria-hidden />
        <span className={classes.name}>{l.name}</span>
        <span className={classes.count}>{t('label.carried', { count: l.threads })}</span>
      </li>
    )
  return (
    <li className={classes.one}>
      <ColorInput size="xs" className={classes.colour} value={colour} swatches={colours} withPicker={false} withEyeDropper={false} disallowInput closeOnColorSwatchClick popoverProps={{ withinPortal: true }} onChangeEnd={(c) => void save(l.name, { colour: c })} aria-label={t('label.colour', { label: l.name })} />
      <form
        className={classes.name}
        onSubmit={(e) => {
          e.preventDefault()
          e.stopPropagation()
          rename()
        }}
      >
        <TextInput
          size="xs"
          maxLength={100}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          aria-label={t('label.name', { label: l.name })}
          rightSection={
            changed && (
              <Tooltip label={t('label.rename')}>
                <ActionIcon size="sm" variant="subtle" type="submit" aria-label={t('label.rename')}>
                  <IconCheck size={15} />
                </ActionIcon>
              </Tooltip>
            )
          }
        />
      </form>
      <span className={classes.count}>{t('label.carried', { count: l.threads })}</span>
      <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('label.delete', { label: l.name })} onClick={remove}>
        <IconTrash size={15} />
      </ActionIcon>
    </li>
  )
}
