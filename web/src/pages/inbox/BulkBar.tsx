import { ActionIcon, Tooltip } from '@mantine/core'
import { IconAlarmSnooze, IconBan, IconCheck, IconMailOpened, IconTag, IconUser, IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useChange } from './change'
import { AssigneeMenu, LabelMenu, PriorityMenu, TimeMenu } from './Choose'
import { PriorityMark } from './Marks'
import type { Row } from './threads'
import classes from './List.module.css'

/** Acts on all that are ticked. */
export function BulkBar({ rows, chosen, done }: { rows: Row[]; chosen: ReadonlySet<string>; done: (left: string[]) => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { bulk } = useChange()
  const ids = rows.filter((r) => chosen.has(r.id)).map((r) => r.id)
  const act = (what: Parameters<typeof bulk>[1], keep = false) => void bulk(rows.filter((r) => chosen.has(r.id)), what).then((left) => done(keep ? ids : left))
  const labels = [...new Set(rows.filter((r) => chosen.has(r.id)).flatMap((r) => r.labels))].filter((l) => rows.every((r) => !chosen.has(r.id) || r.labels.includes(l)))
  const one = (label: string, icon: ReactNode, onClick?: () => void) => (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  )
  return (
    <div className={classes.bulk} role="toolbar" aria-label={t('bulk.label')}>
      <span aria-live="polite">{t('bulk.chosen', { count: ids.length })}</span>
      {one(t('act.resolve'), <IconCheck size={17} />, () => act({ status: 'resolved' }))}
      <AssigneeMenu onPick={(assignee) => act({ assignee })}>
        <ActionIcon variant="subtle" color="gray" aria-label={t('assign.assign')}>
          <IconUser size={17} />
        </ActionIcon>
      </AssigneeMenu>
      <LabelMenu value={labels} onPick={(l, add) => act(add ? { labels_add: [l] } : { labels_remove: [l] }, true)}>
        <ActionIcon variant="subtle" color="gray" aria-label={t('label.label')}>
          <IconTag size={17} />
        </ActionIcon>
      </LabelMenu>
      <PriorityMenu onPick={(priority) => act({ priority })}>
        <ActionIcon variant="subtle" color="gray" aria-label={t('priority.label')}>
          <PriorityMark priority="high" size={17} />
        </ActionIcon>
      </PriorityMenu>
      <TimeMenu onPick={(until) => act({ status: 'snoozed', snoozed_until: until })}>
        <ActionIcon variant="subtle" color="gray" aria-label={t('snooze.label')}>
          <IconAlarmSnooze size={17} />
        </ActionIcon>
      </TimeMenu>
      {one(t('act.read'), <IconMailOpened size={17} />, () => act({ read: true }))}
      {one(t('act.spam'), <IconBan size={17} />, () => act({ status: 'spam' }))}
      {one(t('bulk.clear'), <IconX size={17} />, () => done([]))}
    </div>
  )
}
