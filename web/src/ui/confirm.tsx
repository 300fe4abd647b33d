import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { modals } from '@mantine/modals'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useFocusBack } from './focus-back'

type Question = { title: string; about: ReactNode; act: string; /** Instead of Cancel, where that is also the act. */ keep?: string; /** What must be typed first, for what cannot be undone. */ typed?: string; onYes: () => unknown; danger?: boolean }

/** Asks before an act that hurts when it slips. */
export function confirm(q: Question) {
  const id = modals.open({ title: q.title, children: <Ask {...q} onYes={() => { modals.close(id); q.onYes() }} onNo={() => modals.close(id)} /> })
}

function Ask({ about, act, keep, typed, onYes, onNo, danger = true }: Question & { onNo: () => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  useFocusBack()
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        if (typed === undefined || text.trim() === typed) onYes()
      }}
    >
      <Stack>
        <Text size="sm" component="div">
          {about}
        </Text>
        {typed !== undefined && <TextInput label={t('confirm.type', { text: typed })} value={text} onChange={(e) => setText(e.currentTarget.value)} data-autofocus autoComplete="off" />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onNo} data-autofocus={typed === undefined || undefined}>
            {keep ?? t('cancel')}
          </Button>
          <Button type="submit" color={danger ? 'red' : undefined} disabled={typed !== undefined && text.trim() !== typed}>
            {act}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
