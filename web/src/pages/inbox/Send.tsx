import { Button, Kbd, Tooltip } from '@mantine/core'
import { IconChevronDown, IconSend2 } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { TimeMenu } from './Choose'
import classes from './Composer.module.css'

const mac = /Mac/.test(navigator.platform)

/** Sends, now or later; a note is only added. Why says what blocks it, where that is not plain to see. */
export function Send({ note = false, blocked, why, busy, send }: { note?: boolean; blocked: boolean; why?: string; busy?: boolean; send: (at?: string) => void }) {
  const { t } = useTranslation('inbox')
  return (
    <div className={classes.send}>
      <Tooltip label={<><Kbd size="xs">{mac ? '⌘' : 'Ctrl'}</Kbd> <Kbd size="xs">Enter</Kbd></>}>
        <Button size="xs" color={note ? 'yellow' : undefined} disabled={blocked} title={why} loading={busy} rightSection={note ? undefined : <IconSend2 size={15} />} onClick={() => send()}>
          {note ? t('composer.addNote') : t('composer.send')}
        </Button>
      </Tooltip>
      {!note && (
        <TimeMenu position="top-end" label={t('composer.later')} onPick={(at) => at && send(at)}>
          <Button size="xs" px={6} disabled={blocked} title={why} aria-label={t('composer.later')}>
            <IconChevronDown size={15} />
          </Button>
        </TimeMenu>
      )}
    </div>
  )
}
