import { Checkbox } from '@mantine/core'
import { IconAlarmSnooze, IconAlertTriangle, IconArrowBackUp, IconClock, IconPaperclip, IconPencil } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { memo, useEffect, useState, type MouseEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { ChannelIcon } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { When } from '../../ui/When'
import { LabelChip, PriorityMark } from './Marks'
import type { Row } from './threads'
import classes from './List.module.css'

type Props = { row: Row; active: boolean; chosen: boolean; choosing: boolean; me: string; search: Record<string, unknown>; colours: Map<string, string>; choose: (id: string, range: boolean) => void }

/** A conversation on one glance: who, what last, since when they wait. */
export const ThreadRow = memo(function ThreadRow({ row: r, active, chosen, choosing, me, search, colours, choose }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const name = r.customer_name || t('nameless')
  const drafts = r.drafts.filter((d) => d.toLowerCase() !== me.toLowerCase())
  const mine = drafts.length < r.drafts.length
  const waits = r.waiting_since && r.status !== 'resolved' && r.status !== 'spam'
  const words = r.preview || (r.last?.attachments ? t('row.files', { count: r.last.attachments }) : r.subject || '')
  const click = (e: MouseEvent) => {
    if (!e.shiftKey) return
    e.preventDefault()
    choose(r.id, true)
  }
  return (
    <div className={classes.row} data-active={active || undefined} data-unread={r.unread || undefined} data-chosen={chosen || undefined} data-choosing={choosing || undefined}>
      <div className={classes.face}>
        <Face name={name} size={34} />
        <span className={classes.badge}>
          <ChannelIcon channel={r.channel} size={16} />
        </span>
        <Checkbox size="xs" className={classes.check} checked={chosen} onChange={() => {}} onClick={(e) => choose(r.id, e.shiftKey)} aria-label={t('row.choose', { name })} />
      </div>
      <Link to="/inbox/$thread" params={{ thread: r.id } as never} search={search as never} className={classes.link} aria-current={active ? 'true' : undefined} onClick={click} data-row={r.id} preload={false}>
        <span className={classes.line}>
          <b className={classes.name}>{name}</b>
          {r.unverified && <IconAlertTriangle size={13} className={classes.doubt} role="img" aria-label={t('row.unverified')} />}
          {r.priority !== 'normal' && <PriorityMark priority={r.priority} size={15} label />}
          <span className={classes.when}>
            <When at={r.last_entry_at} as="brief" />
          </span>
        </span>
        <span className={classes.line}>
          <span className={classes.words}>
            {r.last?.kind === 'outbound' ? (
              <IconArrowBackUp size={14} className={classes.kind} role="img" aria-label={t('row.ours')} />
            ) : null}
            {r.last && r.last.attachments > 0 && <IconPaperclip size={13} className={classes.kind} aria-hidden />}
            {words}
          </span>
          {r.unread && (
            <i className={classes.dot} role="img" aria-label={t('row.unread')} />
          )}
        </span>
        <span className={classes.line} data-meta>
          {waits && (
            <span className={classes.waits}>
              <IconClock size={12} aria-hidden /> <Wait since={r.waiting_since!} />
            </span>
          )}
          {r.status === 'snoozed' && (
            <span className={classes.waits}>
              <IconAlarmSnooze size={12} aria-hidden /> {r.snoozed_until ? <When at={r.snoozed_until} as="brief" /> : t('row.untilWord')}
            </span>
          )}
          {mine && (
            <em className={classes.draft}>
              <IconPencil size={13} aria-hidden /> {t('row.draft')}
            </em>
          )}
          {drafts.length > 0 && (
            <span className={classes.waits}>
              <IconPencil size={12} aria-hidden /> {drafts.join(', ')}
            </span>
          )}
          {r.labels.slice(0, 2).map((l) => (
            <LabelChip key={l} label={l} colour={colours.get(l.toLowerCase())} />
          ))}
          {r.labels.length > 2 && <small>+{r.labels.length - 2}</small>}
          {r.campaign_name && r.labels.length === 0 && <span className={classes.campaign}>{r.campaign_name}</span>}
          {r.assignee && (
            <span className={classes.assignee} title={r.assignee}>
              <Face name={r.assignee} size={18} />
              <span className="visually-hidden">{t('assign.label', { name: r.assignee })}</span>
            </span>
          )}
        </span>
      </Link>
    </div>
  )
})

/** How long somebody has been waiting, in one unit. */
function Wait({ since }: { since: string }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const [, beat] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => beat((n) => n + 1), 60_000)
    return () => clearInterval(timer)
  }, [])
  const minutes = Math.max(1, Math.floor((Date.now() - Date.parse(since)) / 60_000))
  const [n, unit] = minutes < 60 ? [minutes, 'minute'] : minutes < 48 * 60 ? [Math.floor(minutes / 60), 'hour'] : [Math.floor(minutes / 1440), 'day']
  return <span data-late={minutes > 24 * 60 || undefined}>{t('row.waits', { time: new Intl.NumberFormat(i18n.language, { style: 'unit', unit, unitDisplay: 'narrow' }).format(n) })}</span>
}
