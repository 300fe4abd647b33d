import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { ProblemAlert } from '../../ui/Problem'
import { read, write, type Row } from './attributes'
import { useChange } from './change'
import { dialog } from './dialog'

export function editAttributes(c: Schemas['Customer'], title: string) {
  dialog({ title, size: 'lg', children: (close) => <Form customer={c} close={close} /> })
}

function Form({ customer: c, close }: { customer: Schemas['Customer']; close: () => void }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const was = (c.attributes ?? {}) as Record<string, unknown>
  const [rows, setRows] = useState<Row[]>(() => write(was))
  const save = useChange(c.id, close)
  const next = read(rows)
  const put = (i: number, part: Partial<Row>) => setRows(rows.map((r, j) => (j === i ? { ...r, ...part } : r)))
  const twice = rows.find((r, i) => r.name.trim() && rows.findIndex((o) => o.name.trim() === r.name.trim()) !== i)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        // Attributes are merged key by key: what was taken out is said to be null.
        if (next) save.mutate({ attributes: { ...Object.fromEntries(Object.keys(was).map((k) => [k, null])), ...next } })
      }}
    >
      <Stack gap="xs">
        <Text size="sm" c="dimmed">{t('attributes.about')}</Text>
        {rows.map((r, i) => (
          <Group key={i} gap="xs" wrap="nowrap" align="flex-start">
            <TextInput flex={2} aria-label={t('attributes.name')} placeholder={t('attributes.name')} value={r.name} onChange={(e) => put(i, { name: e.currentTarget.value })} data-autofocus={i === 0 || undefined} />
            <TextInput flex={3} aria-label={t('attributes.value', { name: r.name })} value={r.value} onChange={(e) => put(i, { value: e.currentTarget.value })} error={r.name.trim() && read([r]) === undefined ? t('attributes.wrong') : undefined} />
            <ActionIcon variant="subtle" color="red" size={36} aria-label={t('attributes.remove', { name: r.name })} onClick={() => setRows(rows.filter((_, j) => j !== i))}>
              <IconTrash size={17} stroke={1.7} />
            </ActionIcon>
          </Group>
        ))}
        <div>
          <Button size="compact-sm" variant="subtle" leftSection={<IconPlus size={14} />} onClick={() => setRows([...rows, { name: '', value: '' }])}>
            {t('attributes.add')}
          </Button>
        </div>
        {twice && <Text size="sm" c="red" role="alert">{t('attributes.twice', { name: twice.name.trim() })}</Text>}
        {save.error && <ProblemAlert error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={!next || !!twice}>
            {common('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
