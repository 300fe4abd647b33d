import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'

type Button_ = Schemas['Button']

/** Buttons below a Telegram message, one a row. */
export function Buttons({ of, readOnly, onChange }: { of: (Button_[] | null)[]; readOnly: boolean; onChange: (rows: Button_[][]) => void }) {
  const { t } = useTranslation('templates')
  const rows = of.map((r) => r ?? [])
  const put = (i: number, j: number, b: Button_ | null) => onChange(rows.map((r, k) => (k === i ? (b ? r.map((x, l) => (l === j ? b : x)) : r.filter((_, l) => l !== j)) : r)).filter((r) => r.length > 0))
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500}>{t('buttons.title')}</Text>
      {rows.map((r, i) =>
        r.map((b, j) => (
          <Group key={`${i}-${j}`} gap={6} wrap="nowrap">
            <TextInput size="xs" aria-label={t('buttons.text')} placeholder={t('buttons.text')} value={b.text} readOnly={readOnly} onChange={(e) => put(i, j, { ...b, text: e.currentTarget.value })} />
            <TextInput size="xs" flex={1} aria-label={t('buttons.url')} placeholder="https://" value={b.url ?? b.data ?? ''} readOnly={readOnly} onChange={(e) => put(i, j, { text: b.text, ...(/^(https?:|tg:|\{)/.test(e.currentTarget.value) || b.url !== undefined ? { url: e.currentTarget.value } : { data: e.currentTarget.value }) })} />
            {!readOnly && <ActionIcon variant="subtle" color="red" aria-label={t('buttons.remove', { text: b.text })} onClick={() => put(i, j, null)}><IconTrash size={16} /></ActionIcon>}
          </Group>
        )),
      )}
      {!readOnly && <div><Button size="compact-sm" variant="subtle" leftSection={<IconPlus size={14} />} onClick={() => onChange([...rows, [{ text: t('buttons.new'), url: 'https://shop.example' }]])}>{t('buttons.add')}</Button></div>}
    </Stack>
  )
}
