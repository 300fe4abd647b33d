import { Button, Group, JsonInput, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { ProblemAlert } from '../../ui/Problem'
import { useChange } from './change'
import { dialog } from './dialog'

export function editAttributes(c: Schemas['Customer'], title: string) {
  dialog({ title, size: 'lg', children: (close) => <Form customer={c} close={close} /> })
}

function Form({ customer: c, close }: { customer: Schemas['Customer']; close: () => void }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const [text, setText] = useState(() => JSON.stringify(c.attributes ?? {}, null, 2))
  const save = useChange(c.id, close)
  let next: Record<string, unknown> | undefined
  try {
    const v = JSON.parse(text) as unknown
    if (typeof v === 'object' && v !== null && !Array.isArray(v)) next = v as Record<string, unknown>
  } catch {
    // not yet
  }
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        // Attributes are merged key by key: what was taken out is said to be null.
        if (next) save.mutate({ attributes: { ...Object.fromEntries(Object.keys((c.attributes ?? {}) as object).map((k) => [k, null])), ...next } })
      }}
    >
      <Stack gap="sm">
        <JsonInput label={t('attributes.label')} description={t('attributes.about')} autosize minRows={6} maxRows={18} value={text} onChange={setText} error={next ? undefined : t('attributes.wrong')} data-autofocus />
        {save.error && <ProblemAlert error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={!next}>
            {common('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
