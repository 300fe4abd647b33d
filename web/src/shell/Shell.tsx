import { ActionIcon, Indicator, Menu, Tooltip, UnstyledButton } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { spotlight } from '@mantine/spotlight'
import { IconChevronsLeft, IconChevronsRight, IconLogout, IconMoon, IconSearch, IconSun, IconUser } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../api/client'
import { EventsProvider, useEvents, useLive } from '../api/events'
import { need } from '../api/pages'
import { useCan, useSession } from '../api/session'
import { Face } from '../ui/Face'
import { Loading } from '../ui/Loading'
import { speak, languages, type Language } from '../i18n'
import { useLeave } from './leave'
import { places } from './places'
import { useScheme } from './scheme'
import classes from './Shell.module.css'

const CommandBar = lazy(() => import('./CommandBar'))

/** The frame around every page behind the sign-in: navigation, the command bar, and whether news arrives. */
export function Shell() {
  return (
    <EventsProvider>
      <Frame />
    </EventsProvider>
  )
}

function Frame() {
  const { t } = useTranslation()
  const [narrow, setNarrow] = useState(() => stored('rapport-nav') === 'narrow')
  const go = useNavigate()
  const here = useMyPlaces()
  // g then a letter is Linear's and Gmail's way; Alt and the letter works while writing, too.
  useHotkeys(here.map((p) => [`alt+${p.key}`, () => void go({ to: p.to }), { usePhysicalKeys: true }]), [])
  // Loaded once the page is there, or when it is wanted before.
  const [bar, setBar] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setBar(true), 300)
    return () => clearTimeout(timer)
  }, [])
  const ask = () => {
    setBar(true)
    spotlight.toggle()
  }
  useHotkeys([['mod+K', ask]], [])
  const fold = () => {
    setNarrow(!narrow)
    store('rapport-nav', narrow ? 'wide' : 'narrow')
  }
  return (
    <div className={classes.shell} data-narrow={narrow || undefined}>
      <a href="#main" className="skip">
        {t('skip')}
      </a>
      <nav className={classes.nav} aria-label={t('nav.label')}>
        <div className={classes.brand}>
          <Link to="/" className={classes.logo}>
            <img src="/favicon.svg" alt="" width={26} height={26} />
            <span>Rapport</span>
          </Link>
        </div>
        <Tooltip label={t('command.open')} position="right" disabled={!narrow}>
          <UnstyledButton className={classes.search} onClick={ask}>
            <IconSearch size={16} aria-hidden />
            <span>{t('command.short')}</span>
            <kbd aria-hidden>{/Mac/.test(navigator.platform) ? '⌘K' : 'Ctrl K'}</kbd>
          </UnstyledButton>
        </Tooltip>
        <ul className={classes.places}>
          {here.map((p) => (
            <li key={p.to}>
              <Place place={p} narrow={narrow} />
            </li>
          ))}
        </ul>
        <div className={classes.foot}>
          <LiveState />
          <Account />
          <Tooltip label={narrow ? t('nav.wide') : t('nav.narrow')} position="right">
            <ActionIcon className={classes.fold} variant="subtle" color="gray" onClick={fold} aria-label={narrow ? t('nav.wide') : t('nav.narrow')}>
              {narrow ? <IconChevronsRight size={18} /> : <IconChevronsLeft size={18} />}
            </ActionIcon>
          </Tooltip>
        </div>
      </nav>
      <main id="main" className={classes.main} tabIndex={-1}>
        <Suspense fallback={<div className={classes.wait}><Loading /></div>}>
          <Outlet />
        </Suspense>
      </main>
      <Suspense>{bar && <CommandBar />}</Suspense>
    </div>
  )
}

function useMyPlaces() {
  const can = useCan()
  const { settings } = useSession()
  return places.filter((p) => (!p.scope || can(p.scope)) && (!('simulator' in p) || settings.simulator))
}

function Place({ place, narrow }: { place: (typeof places)[number]; narrow: boolean }) {
  const { t } = useTranslation()
  const Icon = place.icon
  return (
    <Tooltip label={t(`nav.${place.word}`)} position="right" disabled={!narrow}>
      <Link to={place.to} className={classes.place} activeProps={{ 'aria-current': 'page' }}>
        {place.word === 'inbox' ? <UnreadDot><Icon size={20} stroke={1.7} aria-hidden /></UnreadDot> : <Icon size={20} stroke={1.7} aria-hidden />}
        <span className={classes.word}>{t(`nav.${place.word}`)}</span>
      </Link>
    </Tooltip>
  )
}

/** A dot while somebody waits for an answer that is yours or nobody's. */
function UnreadDot({ children }: { children: React.ReactNode }) {
  const queries = useQueryClient()
  const { t } = useTranslation()
  const { data } = useQuery({ queryKey: ['threads', 'counts', 'nav'], queryFn: () => need(client.GET('/v1/threads/counts')), staleTime: 30_000 })
  useEvents((e) => {
    if (e.type.startsWith('thread.') || e.type === 'reply.received' || e.type === 'entry.created') void queries.invalidateQueries({ queryKey: ['threads', 'counts'] })
  })
  return (
    <Indicator disabled={!data?.unread} size={8} offset={2} aria-label={data?.unread ? t('nav.unread', { count: data.unread }) : undefined}>
      {children}
    </Indicator>
  )
}

function LiveState() {
  const { t } = useTranslation()
  const live = useLive()
  if (live === 'live' || live === 'connecting') return null
  return (
    <div className={classes.live} role="status" data-state={live}>
      {t(`live.${live}`)}
    </div>
  )
}

function Account() {
  const { t, i18n } = useTranslation()
  const { agent } = useSession()
  const { scheme, setScheme } = useScheme()
  const leave = useLeave()
  return (
    <Menu position="right-end" width={220} withinPortal>
      <Menu.Target>
        <UnstyledButton className={classes.account}>
          <Face name={agent.name} size={28} />
          <span className={classes.word}>{agent.name}</span>
          <span className="visually-hidden">{t('account.menu')}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{agent.email}</Menu.Label>
        <Menu.Item component={Link} to="/settings/profile" leftSection={<IconUser size={16} />}>
          {t('account.profile')}
        </Menu.Item>
        <Menu.Item closeMenuOnClick={false} leftSection={scheme === 'dark' ? <IconSun size={16} /> : <IconMoon size={16} />} onClick={() => setScheme(scheme === 'dark' ? 'light' : 'dark')}>
          {scheme === 'dark' ? t('account.light') : t('account.dark')}
        </Menu.Item>
        <Menu.Divider />
        {(Object.keys(languages) as Language[]).map((l) => (
          <Menu.Item key={l} lang={l} fw={i18n.language === l ? 600 : undefined} onClick={() => void speak(l)}>
            {languages[l]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave()}>
          {t('account.leave')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // storage is off
  }
}

function store(key: string, value: string) {
  try {
    localStorage.setItem(key, value)
  } catch {
    // storage is off: for this visit only
  }
}
