import { Button, Kbd, Tooltip } from '@mantine/core'
import { IconChevronDown, IconSend2 } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { TimeMenu } from './Choose'
import classes from './Composer.module.css'

const mac = /Mac/.test(navigator.platform)

/** Sends, now or later; a note is only added. */
export function Send({ note = false, blocked, busy, send }: { note?: boolean; blocked: boolean; busy?: boolean; send: (at?: string) => void }) {
  const { t } = useTranslation('inbox')
  return (
    <div className={classes.send}>
      <Tooltip label={<><Kbd size="xs">{mac ? '⌘' : 'Ctrl'}</Kbd> <Kbd size="xs">Enter</Kbd></>}>
        <Button size="xs" color={note ? 'yellow' : undefined} disabled={blocked} loading={busy} rightSection={note ? undefined : <IconSend2 size={15} />} onClick={() => send()}>
          {note ? t('composer.addNote') : t('composer.send')}
        </Button>
      </Tooltip>
      {!note && (
        <TimeMenu position="top-end" label={t('composer.later')} onPick={(at) => at && send(at)}>
          <Button size="xs" px={6} disabled={blocked} aria-label={t('composer.later')}>
            <IconChevronDown size={15} />
          </Button>
        </TimeMenu>
      )}
    </div>
  )
}
