import { ActionIcon, Button, Loader, Menu, Tooltip, UnstyledButton } from '@mantine/core'
import { IconAlarmSnooze, IconArrowsSort, IconBan, IconCheck, IconChevronDown, IconFilter, IconInbox, IconKeyboard, IconMailOpened, IconSearch, IconTag, IconUser, IconX } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useImperativeHandle, useMemo, useRef, useState, type ReactNode, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '../../api/session'
import { useChannelName } from '../../ui/Channel'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { AssigneeMenu, LabelMenu, PriorityMenu, SnoozeItems, useLabels } from './Choose'
import { useChange } from './change'
import { channels, intents, narrowed, priorities, sentiments, sorts, statuses, tabs, usePlace, type Filter } from './filter'
import { PriorityMark } from './Marks'
import { ThreadRow } from './ThreadRow'
import { useCounts, useThreads, type Row } from './threads'
import { Views } from './Views'
import classes from './List.module.css'

export type ListHandle = { step: (by: number) => void; after: (id: string) => string | undefined; toggle: () => void; clear: () => boolean; rows: () => Row[] }

type Props = { handle: Ref<ListHandle>; search: () => void; help: () => void }

/** Which conversations there are, and which of them one looks at. */
export function List({ handle, search: openSearch, help }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const { filter, setFilter, thread, open, me, search } = usePlace()
  const can = useCan()('write:threads')
  const format = useFormat()
  const list = useThreads(filter, me, thread)
  const counts = useCounts(filter)
  const labels = useLabels()
  const colours = useMemo(() => new Map((labels.data ?? []).flatMap((l) => (l.colour ? [[l.name.toLowerCase(), l.colour] as const] : []))), [labels.data])
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const last = useRef<string>(undefined)
  const { rows } = list

  const of = counts.data
  const status = filter.status
  const sum = (c?: Record<(typeof statuses)[number], number>) => (!c ? undefined : status === 'any' ? c.open + c.pending + c.snoozed + c.resolved : c[status])
  const numbers = { mine: sum(of?.mine), unassigned: sum(of?.nobodys), all: of && sum(of) }

  const scroller = useRef<{ show: (i: number) => void }>(null)
  const index = rows.findIndex((r) => r.id === thread)

  useImperativeHandle(handle, () => ({
    step(by) {
      const next = index < 0 ? (by > 0 ? 0 : -1) : Math.max(0, Math.min(rows.length - 1, index + by))
      const row = rows[next]
      if (!row || next === index) return
      scroller.current?.show(next)
      open(row.id)
    },
    after(id) {
      const at = rows.findIndex((r) => r.id === id)
      return (rows[at + 1] ?? rows[at - 1])?.id
    },
    toggle: () => thread && choose(thread, false),
    clear() {
      setChosen(new Set())
      return chosen.size > 0
    },
    rows: () => rows,
  }))

  const choose = useMemo(() => {
    const ids = rows.map((r) => r.id)
    return (id: string, range: boolean) => {
      const from = last.current
      last.current = id
      setChosen((was) => {
        const now = new Set(was)
        const [a, b] = [ids.indexOf(from ?? id), ids.indexOf(id)]
        if (range && a >= 0 && b >= 0) for (let i = Math.min(a, b); i <= Math.max(a, b); i++) now.add(ids[i]!)
        else if (now.has(id)) now.delete(id)
        else now.add(id)
        return now
      })
    }
  }, [rows])

  const on = narrowed(filter)
  return (
    <section className={classes.list} aria-label={t('list.label')}>
      <div className={classes.head}>
        <div className={classes.top}>
          <Views />
          <div style={{ flex: 1 }} />
          <Tooltip label={t('search.open')}>
            <ActionIcon variant="subtle" color="gray" onClick={openSearch} aria-label={t('search.open')}>
              <IconSearch size={18} stroke={1.7} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('keys.open')}>
            <ActionIcon variant="subtle" color="gray" onClick={help} aria-label={t('keys.open')} visibleFrom="sm">
              <IconKeyboard size={18} stroke={1.7} />
            </ActionIcon>
          </Tooltip>
        </div>
        <div className={classes.tabs} role="tablist" aria-label={t('list.tabs')}>
          {tabs.map((tab) => (
            <UnstyledButton key={tab} role="tab" aria-selected={filter.tab === tab} className={classes.tab} onClick={() => setFilter({ tab, view: undefined })}>
              {t(`tab.${tab}`)} <small>{numbers[tab] === undefined ? ' ' : format.number(numbers[tab])}</small>
            </UnstyledButton>
          ))}
        </div>
      </div>
      {chosen.size > 0 ? (
        <BulkBar rows={rows} chosen={chosen} done={(left) => setChosen(new Set(left))} />
      ) : (
        <div className={classes.tools}>
          <Menu position="bottom-start" withinPortal width={170}>
            <Menu.Target>
              <UnstyledButton className={classes.tool} aria-label={`${t('filter.status')}: ${t(`status.${status}`)}`}>
                {t(`status.${status}`)} <IconChevronDown size={14} aria-hidden />
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              {[...statuses, 'any' as const].map((s) => (
                <Menu.Item key={s} rightSection={s === status ? <IconCheck size={14} /> : s === 'any' || !of ? undefined : <small>{format.number(of[s])}</small>} onClick={() => setFilter({ status: s, view: undefined })}>
                  {t(`status.${s}`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <Filters filter={filter} set={setFilter} on={on} labels={(labels.data ?? []).map((l) => l.name)} />
          <div style={{ flex: 1 }} />
          {list.isFetching && !list.isPending && <Loader size={12} aria-hidden />}
          <Menu position="bottom-end" withinPortal width={210}>
            <Menu.Target>
              <UnstyledButton className={classes.tool} aria-label={`${t('sort.label')}: ${t(`sort.${filter.sort}`)}`}>
                <IconArrowsSort size={14} aria-hidden /> {t(`sort.${filter.sort}`)}
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              {sorts.map((s) => (
                <Menu.Item key={s} rightSection={s === filter.sort ? <IconCheck size={14} /> : undefined} onClick={() => setFilter({ sort: s, order: undefined, view: undefined })}>
                  {t(`sort.${s}`)}
                </Menu.Item>
              ))}
              <Menu.Divider />
              <Menu.Item onClick={() => setFilter({ order: (filter.order ?? (filter.sort === 'waiting' ? 'asc' : 'desc')) === 'desc' ? 'asc' : 'desc', view: undefined })}>{t('sort.turn')}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      )}
      <div className={classes.body}>
        {list.isPending ? (
          <div className={classes.wait}>
            <Loading rows={8} height={64} />
          </div>
        ) : list.error && rows.length === 0 ? (
          <div className={classes.wait}>
            <ProblemAlert error={list.error} retry={() => void list.refetch()} />
          </div>
        ) : rows.length === 0 ? (
          <Nothing filter={filter} clear={() => setFilter({ channel: undefined, label: undefined, priority: undefined, intent: undefined, sentiment: undefined, campaign: undefined, unread: undefined, view: undefined })} all={() => setFilter({ tab: 'all', status: 'any', view: undefined })} />
        ) : (
          <Virtual rows={rows} more={list.more} handle={scroller}>
            {(row) => <ThreadRow row={row} active={row.id === thread} chosen={chosen.has(row.id)} choosing={can && chosen.size > 0} me={me} search={search} colours={colours} choose={choose} />}
          </Virtual>
        )}
      </div>
    </section>
  )
}

const height = 84

/** Draws only what is seen. What comes in above moves nobody who has scrolled. */
function Virtual({ rows, more, handle, children }: { rows: Row[]; more: { has: boolean; busy: boolean; load: () => void }; handle: Ref<{ show: (i: number) => void }>; children: (row: Row) => ReactNode }) {
  const { t } = useTranslation(['inbox', 'common'])
  const box = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => height, overscan: 8, getItemKey: (i) => rows[i]!.id })
  const seen = list.getVirtualItems()
  const near = (seen.at(-1)?.index ?? 0) >= rows.length - 12
  const load = more.has && !more.busy && near ? more.load : undefined
  useEffect(() => load?.(), [load])
  useImperativeHandle(handle, () => ({ show: (i) => list.scrollToIndex(i, { align: 'auto' }) }))

  // The row that stood at the upper edge stands there still, whatever came in above it.
  const edge = useRef<{ id: string; offset: number }>(undefined)
  const order = useRef(rows)
  if (order.current !== rows) {
    const el = box.current
    if (el && el.scrollTop > height / 2 && edge.current) {
      const at = rows.findIndex((r) => r.id === edge.current!.id)
      const target = at * height + edge.current.offset
      if (at >= 0 && Math.abs(target - el.scrollTop) > 1) queueMicrotask(() => el.scrollTo({ top: target }))
    }
    order.current = rows
  }
  const onScroll = () => {
    const top = box.current?.scrollTop ?? 0
    const at = Math.floor(top / height)
    edge.current = rows[at] && { id: rows[at].id, offset: top - at * height }
  }
  return (
    <div ref={box} className={classes.box} role="list" aria-label={t('list.label')} onScroll={onScroll}>
      <div className={classes.all} style={{ height: list.getTotalSize() }}>
        {seen.map((item) => (
          <div key={item.key} role="listitem" aria-setsize={more.has ? -1 : rows.length} aria-posinset={item.index + 1} className={classes.item} style={{ transform: `translateY(${item.start}px)` }}>
            {children(rows[item.index]!)}
          </div>
        ))}
      </div>
      <div className={classes.end}>{more.busy ? <Loader size="xs" /> : !more.has && rows.length > 8 ? t('list.end') : null}</div>
    </div>
  )
}

function Filters({ filter: f, set, on, labels }: { filter: Filter; set: (f: Partial<Filter>) => void; on: number; labels: string[] }) {
  const { t } = useTranslation(['inbox', 'common'])
  const channelName = useChannelName()
  const pick = (change: Partial<Filter>) => set({ ...change, view: undefined })
  return (
    <>
      <Menu position="bottom-start" withinPortal width={200} closeOnItemClick>
        <Menu.Target>
          <UnstyledButton className={classes.tool} data-on={on > 0 || undefined}>
            <IconFilter size={14} aria-hidden /> {t('filter.open')}
            {on > 0 && <b>{on}</b>}
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item rightSection={f.unread ? <IconCheck size={14} /> : undefined} onClick={() => pick({ unread: f.unread ? undefined : true })}>
            {t('filter.unread')}
          </Menu.Item>
          <Sub label={t('filter.channel')} value={f.channel} options={channels.map((c) => [c, channelName(c)])} pick={(channel) => pick({ channel })} />
          <Sub label={t('priority.label')} value={f.priority} options={priorities.map((p) => [p, t(`priority.${p}`)])} pick={(priority) => pick({ priority })} />
          {labels.length > 0 && <Sub label={t('filter.label')} value={f.label} options={labels.map((l) => [l, l])} pick={(label) => pick({ label })} />}
          <Sub label={t('guess.intent')} value={f.intent} options={intents.map((i) => [i, t(`intent.${i}`)])} pick={(intent) => pick({ intent })} />
          <Sub label={t('guess.sentiment')} value={f.sentiment} options={sentiments.map((s) => [s, t(`sentiment.${s}`)])} pick={(sentiment) => pick({ sentiment })} />
          {on > 0 && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconX size={14} />} onClick={() => pick({ channel: undefined, label: undefined, priority: undefined, intent: undefined, sentiment: undefined, campaign: undefined, unread: undefined })}>
                {t('filter.clear')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </>
  )
}

function Sub<V extends string>({ label, value, options, pick }: { label: string; value?: V; options: readonly (readonly [V, string])[]; pick: (v?: V) => void }) {
  return (
    <Menu.Sub position="right-start">
      <Menu.Sub.Target>
        <Menu.Sub.Item>
          {label}
          {value !== undefined && `: ${options.find(([v]) => v === value)?.[1] ?? value}`}
        </Menu.Sub.Item>
      </Menu.Sub.Target>
      <Menu.Sub.Dropdown mah={320} style={{ overflowY: 'auto' }}>
        {options.map(([v, name]) => (
          <Menu.Item key={v} rightSection={v === value ? <IconCheck size={14} /> : undefined} onClick={() => pick(v === value ? undefined : v)}>
            {name}
          </Menu.Item>
        ))}
      </Menu.Sub.Dropdown>
    </Menu.Sub>
  )
}

function Nothing({ filter, clear, all }: { filter: Filter; clear: () => void; all: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const on = narrowed(filter) > 0
  const word = on ? 'filtered' : filter.tab === 'mine' ? 'mine' : filter.tab === 'unassigned' ? 'unassigned' : filter.status === 'open' ? 'open' : 'filtered'
  return (
    <Empty icon={IconInbox} title={t(`empty.${word}.title`)} action={<Button size="xs" variant="default" onClick={on ? clear : all}>{on ? t('filter.clear') : t('empty.all')}</Button>}>
      {t(`empty.${word}.about`)}
    </Empty>
  )
}

/** Acts on all that are ticked. */
function BulkBar({ rows, chosen, done }: { rows: Row[]; chosen: ReadonlySet<string>; done: (left: string[]) => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { bulk } = useChange()
  const ids = [...chosen]
  const act = (what: Parameters<typeof bulk>[1], keep = false) => void bulk(ids, what).then((left) => done(keep ? ids : left))
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
      <Menu width={240} position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('snooze.label')}>
            <IconAlarmSnooze size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <SnoozeItems onPick={(until) => act({ status: 'snoozed', snoozed_until: until })} />
        </Menu.Dropdown>
      </Menu>
      {one(t('act.read'), <IconMailOpened size={17} />, () => act({ read: true }))}
      {one(t('act.spam'), <IconBan size={17} />, () => act({ status: 'spam' }))}
      {one(t('bulk.clear'), <IconX size={17} />, () => done([]))}
    </div>
  )
}
