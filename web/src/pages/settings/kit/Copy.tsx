import { ActionIcon, Button, CopyButton, TextInput, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useWords } from './words'

/** Copies a text; the button says that it did. */
export function Copy({ text, label, small }: { text: string; label?: string; small?: boolean }) {
  const { t } = useWords()
  const name = label ?? t('common:copy')
  return (
    <CopyButton value={text} timeout={2000}>
      {({ copied, copy }) =>
        small ? (
          <Tooltip label={copied ? t('common:copied') : name}>
            <ActionIcon variant="subtle" color={copied ? 'teal' : 'gray'} onClick={copy} aria-label={copied ? t('common:copied') : name}>
              {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            </ActionIcon>
          </Tooltip>
        ) : (
          <Button variant="default" onClick={copy} leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}>
            {copied ? t('common:copied') : name}
          </Button>
        )
      }
    </CopyButton>
  )
}

/** A secret or a link that is shown now and never again. */
export function Once({ label, about, text }: { label: string; about: string; text: string }) {
  return <TextInput label={label} description={about} value={text} readOnly onFocus={(e) => e.currentTarget.select()} rightSection={<Copy text={text} small />} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
}
