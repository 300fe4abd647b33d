import { ActionIcon, Button, Menu, Modal, Skeleton, Tooltip, UnstyledButton } from '@mantine/core'
import { IconAlarmSnooze, IconArrowBackUp, IconArrowLeft, IconArrowsJoin, IconBan, IconCheck, IconChevronDown, IconDots, IconHourglass, IconLayoutSidebarRight, IconMail, IconTag, IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '../../api/session'
import { ChannelIcon } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { When } from '../../ui/When'
import { AssigneeMenu, LabelMenu, PriorityMenu, TimeMenu } from './Choose'
import { useChange } from './change'
import { LabelChip, PriorityMark } from './Marks'
import { MergeDialog } from './Merge'
import type { Thread } from './threads'
import classes from './Thread.module.css'

export type Picker = 'assignee' | 'labels' | 'priority' | 'snooze'

type Props = {
  thread: Thread
  name?: string
  back: () => void
  panel: { open: boolean; toggle: () => void }
  /** Resolves, and goes to the next one that waits. */
  resolve: () => void
  picker?: Picker
  setPicker: (p?: Picker) => void
}

/** Whose conversation it is, where it stands, and what can be done with it. */
export function Header({ thread, name, back, panel, resolve, picker, setPicker }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()('write:threads')
  const { change, move } = useChange()
  const [merging, setMerging] = useState(false)
  const opening = (p: Picker) => ({ opened: picker === p, onChange: (open: boolean) => setPicker(open ? p : undefined) })
  const done = thread.status === 'resolved' || thread.status === 'spam'
  const label = (l: string, on: boolean) => void change(thread, { labels: on ? [...thread.labels, l] : thread.labels.filter((x) => x.toLowerCase() !== l.toLowerCase()) })
  return (
    <header className={classes.header}>
      <ActionIcon className={classes.back} variant="subtle" color="gray" onClick={back} aria-label={t('thread.back')}>
        <IconArrowLeft size={20} />
      </ActionIcon>
      <div className={classes.face}>
        <Face name={name ?? ''} size={34} />
        <span className={classes.badge}>
          <ChannelIcon channel={thread.channel} size={16} />
        </span>
      </div>
      <div className={classes.title}>
        <h2>{name === undefined ? <Skeleton height={16} width={140} component="span" /> : name || t('nameless')}</h2>
        <p>
          <span className={classes.status} data-status={thread.status}>
            {t(`stands.${thread.status}`)}
          </span>
          {thread.status === 'snoozed' && thread.snoozed_until && (
            <span>
              {t('thread.until')} <When at={thread.snoozed_until} as="brief" />
            </span>
          )}
          {thread.subject && <span className={classes.subject}>{thread.subject}</span>}
          {thread.labels.map((l) => (
            <LabelChip key={l} label={l} />
          ))}
        </p>
      </div>
      <div className={classes.acts}>
        {can && (
          <>
            <AssigneeMenu value={thread.assignee ?? ''} onPick={(assignee) => void change(thread, { assignee })} {...opening('assignee')}>
              <Tooltip label={t('key.assign')}>
                <UnstyledButton className={classes.assignee} aria-label={thread.assignee ? t('assign.label', { name: thread.assignee }) : t('assign.none')}>
                  {thread.assignee ? <Face name={thread.assignee} size={22} /> : <IconUserPlus size={17} stroke={1.7} aria-hidden />}
                  <span className={classes.assigneeName}>{thread.assignee || t('assign.assign')}</span>
                </UnstyledButton>
              </Tooltip>
            </AssigneeMenu>
            <PriorityMenu value={thread.priority} onPick={(priority) => void change(thread, { priority })} {...opening('priority')}>
              <Tooltip label={t('key.priority')}>
                <ActionIcon variant="subtle" color="gray" aria-label={`${t('priority.label')}: ${t(`priority.${thread.priority}`)}`}>
                  <PriorityMark priority={thread.priority} size={18} />
                </ActionIcon>
              </Tooltip>
            </PriorityMenu>
            <LabelMenu value={thread.labels} onPick={label} {...opening('labels')}>
              <Tooltip label={t('key.label')}>
                <ActionIcon variant="subtle" color="gray" aria-label={t('label.label')}>
                  <IconTag size={18} stroke={1.7} />
                </ActionIcon>
              </Tooltip>
            </LabelMenu>
            <TimeMenu untilWord onPick={(until) => void move(thread, 'snoozed', until)} {...opening('snooze')}>
              <Tooltip label={t('key.snooze')}>
                <ActionIcon variant="subtle" color="gray" aria-label={t('snooze.label')}>
                  <IconAlarmSnooze size={18} stroke={1.7} />
                </ActionIcon>
              </Tooltip>
            </TimeMenu>
            <Menu width={220} position="bottom-end" withinPortal>
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" aria-label={t('common:more')}>
                  <IconDots size={18} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                {thread.status !== 'pending' && (
                  <Menu.Item leftSection={<IconHourglass size={16} />} onClick={() => void move(thread, 'pending')}>
                    {t('act.pending')}
                  </Menu.Item>
                )}
                <Menu.Item leftSection={<IconMail size={16} />} onClick={() => void change(thread, { unread: true })}>
                  {t('act.unread')}
                </Menu.Item>
                <Menu.Item leftSection={<IconArrowsJoin size={16} />} onClick={() => setMerging(true)}>
                  {t('merge.menu')}
                </Menu.Item>
                {thread.status !== 'spam' && (
                  <Menu.Item color="red" leftSection={<IconBan size={16} />} onClick={() => void move(thread, 'spam')}>
                    {t('act.spam')}
                  </Menu.Item>
                )}
              </Menu.Dropdown>
            </Menu>
          </>
        )}
        <Tooltip label={t('panel.toggle')}>
          <ActionIcon variant={panel.open ? 'light' : 'subtle'} color="gray" onClick={panel.toggle} aria-label={t('panel.toggle')} aria-pressed={panel.open}>
            <IconLayoutSidebarRight size={18} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
        {can &&
          (done ? (
            <Button size="xs" variant="default" leftSection={<IconArrowBackUp size={16} />} onClick={() => void change(thread, { status: 'open' })}>
              {t('act.reopen')}
            </Button>
          ) : (
            <div className={classes.resolve}>
              <Button size="xs" leftSection={<IconCheck size={16} />} onClick={resolve}>
                {t('act.resolve')}
              </Button>
              <Menu position="bottom-end" withinPortal>
                <Menu.Target>
                  <Button size="xs" px={6} aria-label={t('act.other')}>
                    <IconChevronDown size={15} />
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item onClick={() => void move(thread, 'resolved')}>{t('act.resolveStay')}</Menu.Item>
                  <Menu.Item onClick={() => void move(thread, 'pending')}>{t('act.pending')}</Menu.Item>
                </Menu.Dropdown>
              </Menu>
            </div>
          ))}
      </div>
      <Modal opened={merging} onClose={() => setMerging(false)} title={t('merge.title')} closeButtonProps={{ 'aria-label': t('common:close') }}>
        <MergeDialog thread={thread} onDone={() => setMerging(false)} />
      </Modal>
    </header>
  )
}
