import { Drawer, Kbd } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconMessages } from '@tabler/icons-react'
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { useCan, useSession } from '../../api/session'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { useTitle } from '../../ui/Page'
import { useChange } from './change'
import { nobody, usePlace } from './filter'
import type { Picker } from './Header'
import { List, type ListHandle } from './List'
import { OutboxProvider } from './outbox'
import type { ThreadHandle } from './ThreadPane'
import type { Thread } from './threads'
import classes from './Inbox.module.css'

// The list is there first; what is beside it comes at once after it, asked for before anybody opens a thread.
const threadPane = import('./ThreadPane')
const ThreadPane = lazy(() => threadPane.then((m) => ({ default: m.ThreadPane })))
const Panel = lazy(() => import('./Panel').then((m) => ({ default: m.Panel })))
const Search = lazy(() => import('./Search').then((m) => ({ default: m.Search })))
const NewThread = lazy(() => import('./NewThread').then((m) => ({ default: m.NewThread })))
const Keys = lazy(() => import('./Keys').then((m) => ({ default: m.Keys })))

export function Inbox() {
  return (
    <OutboxProvider>
      <Desk />
    </OutboxProvider>
  )
}

/** Three panes: which conversations, the one that is open, and whose it is. On a phone one at a time. */
function Desk() {
  const { t } = useTranslation(['inbox', 'common'])
  const { thread, open, to, write, filter, setFilter, entry, me } = usePlace()
  const can = useCan()('write:threads')
  const { move, change } = useChange()
  const list = useRef<ListHandle>(null)
  const pane = useRef<ThreadHandle>(null)
  const [searching, setSearching] = useState(filter.q !== undefined)
  const [help, setHelp] = useState(false)
  const [picker, setPicker] = useState<Picker>()
  const narrow = useMediaQuery('(max-width: 82em)') ?? false
  const [wide, setWide] = useState(() => remembered())
  const [drawer, setDrawer] = useState(false)
  const panelOpen = narrow ? drawer : wide
  if (filter.q !== undefined && !searching) setSearching(true)
  useTitle(t('title'))
  usePresence(thread)

  const togglePanel = useCallback(() => {
    if (narrow) return setDrawer((d) => !d)
    setWide((w) => {
      remember(!w)
      return !w
    })
  }, [narrow])

  const resolve = useCallback(
    (th: Thread) => {
      const next = list.current?.after(th.id)
      void move(th, 'resolved')
      open(next)
    },
    [move, open],
  )

  const closeSearch = () => {
    setSearching(false)
    setFilter({ q: undefined })
  }

  // Single keys, as in Gmail and Linear; they are silent while one writes, or a menu or a dialog is open.
  const onKey = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return
    const at = e.target as HTMLElement
    if (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && (at as HTMLInputElement).type !== 'checkbox') return
    // A dialog that was open longer than this page has heard the key before: it may be gone by now, and still stands on its way.
    const over = '[role="dialog"], [role="menu"]'
    if (document.querySelector(over) || e.composedPath().some((x) => x instanceof Element && x.matches(over))) return
    const now = pane.current?.thread
    const act: Record<string, (() => unknown) | undefined> = {
      KeyJ: () => list.current?.step(1),
      KeyK: () => list.current?.step(-1),
      ArrowDown: at.closest('[role="region"]') ? undefined : () => list.current?.step(1),
      ArrowUp: at.closest('[role="region"]') ? undefined : () => list.current?.step(-1),
      KeyG: () => list.current?.step(-1e9),
      KeyI: togglePanel,
      Slash: () => (e.shiftKey ? setHelp(true) : setSearching(true)),
      Escape: () => list.current?.clear() || (thread || to ? open(undefined) : undefined),
      ...(can
        ? {
            KeyC: () => write(nobody),
            KeyX: () => list.current?.toggle(),
            KeyR: () => pane.current?.write('reply'),
            KeyN: () => pane.current?.write('note'),
            KeyF: () => pane.current?.attach(),
            KeyE: () => now && (e.shiftKey ? move(now, 'resolved') : resolve(now)),
            KeyH: () => now && setPicker('snooze'),
            KeyA: () => now && setPicker('assignee'),
            KeyM: () => now && change(now, { assignee: me }),
            KeyL: () => now && setPicker('labels'),
            KeyP: () => now && setPicker('priority'),
            KeyU: () => now && change(now, { unread: true }).then(() => open(undefined)),
          }
        : {}),
    }
    const what = e.key === '?' ? () => setHelp(true) : e.key === '/' ? () => setSearching(true) : act[e.code]
    if (!what || (e.shiftKey && e.key !== '?' && e.code !== 'KeyE')) return
    e.preventDefault()
    e.stopPropagation() // the menu that a key opens would hear the same key as one beside it, and close
    what()
  }
  const latest = useRef(onKey)
  useEffect(() => {
    latest.current = onKey
  })
  useEffect(() => {
    const hear = (e: KeyboardEvent) => latest.current(e)
    // Before anybody else hears it: afterwards the menu that Escape has closed would be gone.
    window.addEventListener('keydown', hear, true)
    return () => window.removeEventListener('keydown', hear, true)
  }, [])

  return (
    <div className={classes.desk} data-open={thread || to ? '' : undefined} data-panel={thread && wide && !narrow ? '' : undefined}>
      <div className={classes.first}>
        <div className={classes.fill} hidden={searching}>
          <List handle={list} search={() => setSearching(true)} help={() => setHelp(true)} />
        </div>
        {searching && (
          <Suspense>
            <Search close={closeSearch} />
          </Suspense>
        )}
      </div>
      <div className={classes.second}>
        {thread ? (
          <Suspense fallback={<div className={classes.loading}><Loading rows={5} height={64} /></div>}>
            <ThreadPane key={thread} id={thread} wanted={entry} back={() => open(undefined)} panel={{ open: panelOpen, toggle: togglePanel }} resolve={resolve} picker={picker} setPicker={setPicker} handle={pane} />
          </Suspense>
        ) : to ? (
          <Suspense>
            <NewThread key={to} customer={to} back={() => open(undefined)} />
          </Suspense>
        ) : (
          <div className={classes.none}><Empty icon={IconMessages} title={t('none.title')}>
            {t('none.about')} <br />
            <Kbd size="xs">J</Kbd> <Kbd size="xs">K</Kbd> {t('none.keys')} · <Kbd size="xs">?</Kbd> {t('none.help')}
          </Empty></div>
        )}
      </div>
      {thread && wide && !narrow && (
        <aside className={classes.third} aria-label={t('panel.label')}>
          <Suspense fallback={<div className={classes.loading}><Loading rows={6} height={28} /></div>}>
            <Panel thread={thread} />
          </Suspense>
        </aside>
      )}
      <Drawer opened={!!thread && narrow && drawer} onClose={() => setDrawer(false)} position="right" size={340} title={t('panel.label')} closeButtonProps={{ 'aria-label': t('common:close') }}>
        <Suspense>{thread && <Panel thread={thread} />}</Suspense>
      </Drawer>
      <Suspense>{help && <Keys opened onClose={() => setHelp(false)} />}</Suspense>
    </div>
  )
}

/** Colleagues, and whoever hands out threads, see that one is there and at what one looks. */
function usePresence(thread?: string) {
  const { agent } = useSession()
  const can = useCan()('write:threads')
  useEffect(() => {
    if (!can) return
    const say = () => {
      if (document.visibilityState === 'visible') void client.PUT('/v1/presence/{agent}', { params: { path: { agent: agent.name } }, body: { status: 'online', thread } }).catch(() => {})
    }
    say()
    const beat = setInterval(say, 20_000)
    document.addEventListener('visibilitychange', say)
    return () => {
      clearInterval(beat)
      document.removeEventListener('visibilitychange', say)
    }
  }, [agent.name, can, thread])
}

const key = 'rapport-inbox-panel'
function remembered(): boolean {
  try {
    return localStorage.getItem(key) !== 'folded'
  } catch {
    return true // storage is off
  }
}
function remember(open: boolean) {
  try {
    localStorage.setItem(key, open ? 'open' : 'folded')
  } catch {
    // storage is off: for this visit only
  }
}
