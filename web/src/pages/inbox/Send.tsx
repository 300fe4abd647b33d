import { Button, Kbd, Menu, Tooltip } from '@mantine/core'
import { IconCalendarClock, IconChevronDown, IconSend2 } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { SnoozeItems } from './Choose'
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
        <Menu position="top-end" width={250} withinPortal>
          <Menu.Target>
            <Button size="xs" px={6} disabled={blocked} aria-label={t('composer.later')}>
              <IconChevronDown size={15} />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>
              <IconCalendarClock size={13} aria-hidden /> {t('composer.later')}
            </Menu.Label>
            <SnoozeItems onPick={(at) => at && send(at)} />
          </Menu.Dropdown>
        </Menu>
      )}
    </div>
  )
}
