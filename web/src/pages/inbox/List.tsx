import { ActionIcon, Button, Loader, Menu, Tooltip, UnstyledButton } from '@mantine/core'
import { IconArrowsSort, IconCheck, IconChevronDown, IconChevronRight, IconInbox, IconKeyboard, IconMessagePlus, IconSearch } from '@tabler/icons-react'
import { useImperativeHandle, useMemo, useRef, useState, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '../../api/session'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { BulkBar } from './BulkBar'
import { useLabels } from './Choose'
import { narrowed, nobody, sorts, statuses, tabs, usePlace, type Filter } from './filter'
import { Filters } from './Filters'
import { ThreadRow } from './ThreadRow'
import { useCounts, useThreads, type Row } from './threads'
import { Views } from './Views'
import { VirtualRows } from './VirtualRows'
import classes from './List.module.css'

export type ListHandle = { step: (by: number) => void; after: (id: string) => string | undefined; toggle: () => void; clear: () => boolean; rows: () => Row[] }

type Props = { handle: Ref<ListHandle>; search: () => void; help: () => void }

/** Which conversations there are, and which of them one looks at. */
export function List({ handle, search: openSearch, help }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const { filter, setFilter, thread, open, write, me, search } = usePlace()
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
          {can && (
            <Tooltip label={t('begin.open')}>
              <ActionIcon variant="subtle" color="gray" onClick={() => write(nobody)} aria-label={t('begin.open')}>
                <IconMessagePlus size={18} stroke={1.7} />
              </ActionIcon>
            </Tooltip>
          )}
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
          <VirtualRows rows={rows} more={list.more} handle={scroller}>
            {(row) => <ThreadRow row={row} active={row.id === thread} chosen={chosen.has(row.id)} choosing={can && chosen.size > 0} me={me} search={search} colours={colours} choose={choose} />}
          </VirtualRows>
        )}
      </div>
      {filter.tab === 'mine' && status === 'open' && chosen.size === 0 && of !== undefined && of.mine.pending > 0 && (
        <UnstyledButton className={classes.pending} onClick={() => setFilter({ status: 'pending', view: undefined })}>
          {t('list.pending', { count: of.mine.pending, n: format.number(of.mine.pending) })} <IconChevronRight size={14} aria-hidden />
        </UnstyledButton>
      )}
    </section>
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
