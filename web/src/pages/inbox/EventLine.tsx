import { UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { useCan } from '../../api/session'
import { When } from '../../ui/When'
import { useFormat } from '../../ui/format'
import type { Entry } from './entries'
import { usePlace } from './filter'
import { useUnmerge } from './Merge'
import { threadQuery } from './threads'
import classes from './Entry.module.css'

type Meta = { event?: string; changed?: Record<string, unknown>; thread?: string; name?: string; from?: string; into?: string; earlier?: string; entry?: string; state?: string; reason?: string; address?: string }

/** Whether something that happened needs a line of its own: an answer that was taken back says so itself. */
export const told = (h: Schemas['Happening']) => (h.entry?.meta as Meta | undefined)?.event !== 'reply_cancelled'

/** What happened to the thread, as one quiet line. */
export function EventLine({ entry }: { entry: Entry }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { open, thread } = usePlace()
  const { unmerge } = useUnmerge()
  const can = useCan()('write:threads')
  const say = useEventWords()
  const meta = (entry.meta ?? {}) as Meta
  const part = useQuery({ ...threadQuery(thread ?? ''), enabled: false }).data?.merged?.find((m) => meta.event === 'merged' && m === meta.thread)
  const other = meta.into ?? meta.from ?? meta.earlier
  const words = say(entry)
  return (
    <div className={classes.event} data-entry={entry.id}>
      {other ? (
        <UnstyledButton className={classes.eventLink} onClick={() => open(other)}>
          {words}
        </UnstyledButton>
      ) : (
        <span>{words}</span>
      )}
      {part && can && (
        <UnstyledButton className={classes.eventLink} data-act onClick={() => unmerge(part)}>
          {t('merge.undo')}
        </UnstyledButton>
      )}
      <When at={entry.created_at} as="clock" />
    </div>
  )
}

/** The sentence for an event: in the viewer's language where the kind is known, else as the server wrote it. */
export function useEventWords() {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const { full } = useFormat()
  return (e: Entry): string => {
    const meta = (e.meta ?? {}) as Meta
    const who = e.author || t('event.somebody')
    const why = (code: string) => (i18n.exists(`inbox:reason.${code}`) ? t(`reason.${code}` as 'reason.suppressed') : i18n.exists(`inbox:state.${code}`) ? t(`state.${code}` as 'state.sent') : code.replaceAll('_', ' '))
    const pair = (v: unknown): [string, string] => (Array.isArray(v) ? [String(v[0] ?? ''), String(v[1] ?? '')] : ['', ''])
    switch (meta.event) {
      case 'woken':
        return t('event.woken')
      case 'merged':
        return meta.name ? t('event.mergedNamed', { who, name: meta.name }) : t('event.merged', { who })
      case 'unmerged':
        return t('event.unmerged', { who })
      case 'split':
        return meta.from ? t('event.splitFrom', { who }) : t('event.splitInto', { who })
      case 'continued':
        return t('event.continued')
      case 'reply_cancelled':
        return t('event.takenBack', { who })
      case 'reply_retried':
        return t('event.retried', { who })
      case 'reply_failed':
        return t('event.replyFailed', { reason: why(meta.reason || meta.state || '') })
      case 'copy_failed':
        return t('event.copyFailed', { address: meta.address, reason: why(meta.reason || '') })
      case 'changed': {
        const out: string[] = []
        const changed = Object.entries(meta.changed ?? {}).sort(([a], [b]) => Number(a === 'snoozed_until') - Number(b === 'snoozed_until')) // snoozed it, until then
        for (const [field, v] of changed) {
          const [from, to] = pair(v)
          if (field === 'status') out.push(t(`event.status.${to as 'open'}`, { defaultValue: to }))
          else if (field === 'snoozed_until' && typeof v === 'string') out.push(t('event.until', { when: full(v) }))
          else if (field === 'assignee') out.push(to === '' ? t('event.unassigned', { from }) : to === e.author ? t('event.took') : t('event.assigned', { to }))
          else if (field === 'priority') out.push(t('event.priority', { to: t(`priority.${to as 'low'}`) }))
          else if (field === 'labels') {
            const before = from ? from.split(', ') : []
            const after = to ? to.split(', ') : []
            const added = after.filter((l) => !before.includes(l))
            const gone = before.filter((l) => !after.includes(l))
            if (added.length) out.push(t('event.labelled', { labels: added.join(', ') }))
            if (gone.length) out.push(t('event.unlabelled', { labels: gone.join(', ') }))
          } else if (field === 'subject') out.push(t('event.subject', { to }))
        }
        return out.length === 0 ? e.text : e.author ? t('event.changed', { who: e.author, what: out.join(', ') }) : out.join(', ')
      }
      default:
        return e.text
    }
  }
}
