import { Button, Group, Modal, Stack, TagsInput, Text, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { FocusBack } from '../../ui/focus-back'
import { ProblemAlert, useTell } from '../../ui/Problem'
import type { Entry } from './entries'

/** Passes a message on to somebody else, by mail. */
export function ForwardDialog({ entry, opened, onClose, onDone }: { entry: Entry; opened: boolean; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  return (
    <Modal opened={opened} onClose={onClose} title={t('forward.title')} closeButtonProps={{ 'aria-label': t('common:close') }}>
      <FocusBack />
      <Form
        entry={entry}
        done={() => {
          onClose()
          onDone()
        }}
      />
    </Modal>
  )
}

function Form({ entry, done }: { entry: Entry; done: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const tell = useTell()
  const [to, setTo] = useState<string[]>([])
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  const pass = async () => {
    setBusy(true)
    try {
      await need(client.POST('/v1/entries/{id}/forward', { params: { path: { id: entry.id } }, body: { to, text: text.trim() || undefined } }))
      tell.done(t('forward.done'))
      done()
    } catch (e) {
      setProblem(e)
    }
    setBusy(false)
  }
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        e.stopPropagation()
        if (to.length > 0) void pass()
      }}
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('forward.about')}
        </Text>
        {problem !== undefined && <ProblemAlert error={problem} />}
        <TagsInput label={t('forward.to')} value={to} onChange={setTo} splitChars={[',', ';', ' ']} maxTags={20} acceptValueOnBlur data-autofocus />
        <Textarea label={t('forward.text')} value={text} onChange={(e) => setText(e.currentTarget.value)} autosize minRows={3} maxRows={10} />
        <Group justify="flex-end">
          <Button type="submit" loading={busy} disabled={to.length === 0}>
            {t('forward.act')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
