import { Button, Loader } from '@mantine/core'
import { IconArrowDown } from '@tabler/icons-react'
import { Fragment, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { CampaignSend } from './CampaignSend'
import type { Entry, useEntries } from './entries'
import { EntryView } from './EntryView'
import classes from './Timeline.module.css'

type Props = {
  entries: ReturnType<typeof useEntries>
  name: string
  /** Since when the customer has been waiting: what they wrote from then on is new to whoever opens the thread. */
  unreadSince?: string
  /** The entry that a search or a link leads to. */
  wanted?: string
  giveBack: (e: Entry) => void
  /** What stands below the newest entry. */
  children?: ReactNode
}

const near = 80
const together = 5 * 60_000

/** The entries of a thread by day and by person, opened where reading begins. */
export function Timeline({ entries, name, unreadSince, wanted, giveBack, children }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const { rows, older, refresh } = entries
  const box = useRef<HTMLDivElement>(null)
  const inner = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const placed = useRef(false)
  const edge = useRef<{ first?: string; last?: string; top: number }>({ top: 0 })
  const [below, setBelow] = useState(0)
  const [far, setFar] = useState(false)
  const [aloud, setAloud] = useState('')

  // The divider stays where it was when the thread was opened, whatever is answered or read meanwhile.
  const [divider, setDivider] = useState<{ before: string; count: number } | null>()
  if (divider === undefined && rows.length > 0) {
    const fresh = unreadSince ? rows.filter((e) => e.kind === 'inbound' && e.created_at >= unreadSince) : []
    setDivider(fresh.length > 0 ? { before: fresh[0]!.id, count: fresh.length } : null)
  }

  const toEnd = useCallback((smooth?: boolean) => {
    const el = box.current
    el?.scrollTo({ top: el.scrollHeight, behavior: smooth ? 'smooth' : 'auto' })
    atEnd.current = true
    setBelow(0)
  }, [])

  // A wanted entry may stand further up than what is loaded.
  const missing = wanted !== undefined && rows.length > 0 && !rows.some((e) => e.id === wanted)
  useEffect(() => {
    if (missing && older.has && !older.busy && !older.failed) void older.load()
  }, [missing, older])
  useEffect(() => {
    if (!wanted || missing) return
    inner.current?.querySelector(`[data-entry="${CSS.escape(wanted)}"]`)?.scrollIntoView({ block: 'center' })
    atEnd.current = false
  }, [wanted, missing])

  const first = rows[0]?.id
  const last = rows.at(-1)
  useLayoutEffect(() => {
    const el = box.current
    if (!el || rows.length === 0) return
    if (!placed.current) {
      if (divider === undefined) return
      placed.current = true
      const mark = divider && inner.current?.querySelector('[data-divider]')
      if (!wanted) {
        if (mark && el.scrollHeight - (mark as HTMLElement).offsetTop > el.clientHeight) {
          mark.scrollIntoView({ block: 'start' })
          atEnd.current = false
        } else toEnd()
      }
    } else if (edge.current.first !== first) {
      // Older ones came above: what was seen stays where it was.
      const anchor = inner.current?.querySelector<HTMLElement>(`[data-entry="${CSS.escape(edge.current.first ?? '')}"]`)
      if (anchor) el.scrollTop += anchor.getBoundingClientRect().top - el.getBoundingClientRect().top - edge.current.top
    } else if (edge.current.last !== last?.id) {
      if (atEnd.current || last?.kind === 'outbound') toEnd()
      else setBelow((n) => n + 1)
      if (last?.kind === 'inbound') setAloud(t('entry.aloud', { who: last.author || name, text: last.text.slice(0, 200) }))
    }
    edge.current = { ...edge.current, first, last: last?.id }
  }, [rows, first, last, divider, wanted, toEnd, name, t])

  // Pictures and mails grow when they arrive; who reads the end goes on seeing the end.
  useEffect(() => {
    if (!inner.current) return
    const watch = new ResizeObserver(() => atEnd.current && placed.current && toEnd())
    watch.observe(inner.current)
    if (box.current) watch.observe(box.current)
    return () => watch.disconnect()
  }, [toEnd, rows.length === 0]) // eslint-disable-line react-hooks/exhaustive-deps -- the box is there only when there are rows

  const onScroll = () => {
    const el = box.current
    if (!el) return
    const rest = el.scrollHeight - el.scrollTop - el.clientHeight
    atEnd.current = rest < near
    setFar(rest > 600)
    if (atEnd.current && below > 0) setBelow(0)
    const anchor = first && inner.current?.querySelector<HTMLElement>(`[data-entry="${CSS.escape(first)}"]`)
    if (anchor) edge.current.top = anchor.getBoundingClientRect().top - el.getBoundingClientRect().top
    if (el.scrollTop < 240 && older.has && !older.busy && !older.failed && placed.current) void older.load()
  }

  const days = useDays(rows)
  const shown = useMemo(() => campaignsIn(rows), [rows])

  if (entries.isPending) return <div className={classes.wait}><Loading rows={4} height={64} /></div>
  if (entries.error && rows.length === 0) return <div className={classes.wait}><ProblemAlert error={entries.error} retry={() => void entries.refetch()} /></div>
  return (
    <div className={classes.outer}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard */}
      <div ref={box} className={classes.box} onScroll={onScroll} tabIndex={0} role="region" aria-label={t('thread.said')}>
        <div ref={inner} className={classes.inner}>
          <div className={classes.top}>{older.busy ? <Loader size="xs" aria-label={t('common:loading')} /> : older.has ? <Button size="compact-xs" variant="subtle" color="gray" onClick={() => void older.load()}>{t('thread.older')}</Button> : null}</div>
          {days.map((day) => (
            <Fragment key={day.name}>
              <h3 className={classes.day}>
                <span>{day.name}</span>
              </h3>
              {day.rows.map(({ entry, first }) => (
                <Fragment key={entry.id}>
                  {shown.get(entry.id) && <CampaignSend message={shown.get(entry.id)!.message} campaign={shown.get(entry.id)!.campaign} />}
                  {divider?.before === entry.id && (
                    <div className={classes.divider} data-divider role="separator">
                      <span>{t('thread.unread', { count: divider.count })}</span>
                    </div>
                  )}
                  <EntryView entry={entry} first={first || divider?.before === entry.id} name={name} found={wanted === entry.id} refresh={refresh} giveBack={giveBack} />
                </Fragment>
              ))}
            </Fragment>
          ))}
          {children}
        </div>
      </div>
      {(below > 0 || far) && (
        <Button className={classes.down} size="xs" radius="xl" variant="default" rightSection={<IconArrowDown size={14} />} onClick={() => toEnd(true)}>
          {below > 0 ? t('thread.below', { count: below }) : t('thread.end')}
        </Button>
      )}
      <div className="visually-hidden" aria-live="polite">
        {aloud}
      </div>
    </div>
  )
}

/** The campaign messages that entries answer, each before the first answer to it. */
function campaignsIn(rows: Entry[]) {
  const seen = new Set(rows.map((e) => e.message).filter(Boolean))
  const out = new Map<string, { message: string; campaign?: string }>()
  for (const e of rows) {
    const m = e.kind === 'inbound' ? e.in_reply_to?.message : undefined
    if (!m || seen.has(m)) continue
    seen.add(m)
    out.set(e.id, { message: m, campaign: e.in_reply_to?.campaign })
  }
  return out
}

function useDays(rows: Entry[]) {
  const { t } = useTranslation(['inbox', 'common'])
  const { date } = useFormat()
  return useMemo(() => {
    const today = new Date().toDateString()
    const yesterday = new Date(Date.now() - 86_400_000).toDateString()
    const out: { name: string; rows: { entry: Entry; first: boolean }[] }[] = []
    let before: Entry | undefined
    let day = ''
    for (const entry of rows) {
      const at = new Date(entry.created_at)
      const same = at.toDateString() === day
      if (!same) {
        day = at.toDateString()
        out.push({ name: day === today ? t('day.today') : day === yesterday ? t('day.yesterday') : date(at), rows: [] })
      }
      const joined = same && before !== undefined && before.kind === entry.kind && before.channel === entry.channel && (before.author ?? '') === (entry.author ?? '') && !before.aside === !entry.aside && at.getTime() - Date.parse(before.created_at) < together
      out.at(-1)!.rows.push({ entry, first: !joined })
      before = entry
    }
    return out
  }, [rows, date, t])
}
