import { Button, Group, Modal, Stack, type ModalProps } from '@mantine/core'
import type { ReactNode } from 'react'
import { fieldErrors } from '../../../api/problem'
import { useFocusBack } from '../../../ui/focus-back'
import { ProblemAlert } from '../../../ui/Problem'
import { useWords } from './words'

type Act = { error: unknown; isPending: boolean }

type Props = {
  title: string
  open: boolean
  onClose: () => void
  onSubmit: () => void
  act: Act
  /** The word on the button. */
  word: string
  /** Fields that show their own refusals. */
  fields?: string[]
  size?: ModalProps['size']
  disabled?: boolean
  children: ReactNode
}

/** A form in a dialog. What is refused is said where it stands, or above the form. */
export function Dialog({ title, open, onClose, onSubmit, act, word, fields = [], size = 'md', disabled, children }: Props) {
  const { t } = useWords()
  useFocusBack()
  return (
    <Modal opened={open} onClose={onClose} title={title} size={size} closeButtonProps={{ 'aria-label': t('common:close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          e.stopPropagation()
          onSubmit()
        }}
      >
        <Stack>
          <Refusal error={act.error} fields={fields} />
          {children}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('common:cancel')}
            </Button>
            <Button type="submit" loading={act.isPending} disabled={disabled}>
              {word}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** A refusal, unless all of it stands beside the fields already. */
export function Refusal({ error, fields = [] }: { error: unknown; fields?: string[] }) {
  if (!error) return null
  const paths = Object.keys(fieldErrors(error))
  if (paths.length > 0 && paths.every((p) => fields.includes(p))) return null
  return <ProblemAlert error={error} />
}
