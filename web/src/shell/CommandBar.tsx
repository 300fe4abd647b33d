import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight'
import { IconArrowMerge, IconFilter, IconLanguage, IconLogout, IconMessagePlus, IconMessages, IconMoon, IconPlugConnected, IconPlus, IconSearch, IconSun, IconUpload, IconUser, type Icon } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../api/client'
import { listCustomers } from '../api/customers'
import { need } from '../api/pages'
import { useCan, useSession } from '../api/session'
import { languages, speak, type Language } from '../i18n'
import { sections } from '../pages/settings/sections'
import { ChannelIcon } from '../ui/Channel'
import { useLeave } from './leave'
import { places } from './places'
import { useScheme } from './scheme'

/**
 * Cmd/Ctrl-K: go to any page, do the common things, find a customer or what was written.
 */
export default function CommandBar() {
  const { t, i18n } = useTranslation(['common', 'settings', 'customers'])
  const router = useRouter()
  const can = useCan()
  const { settings } = useSession()
  const { scheme, setScheme } = useScheme()
  const leave = useLeave()
  const [text, setText] = useState('')
  const [wanted] = useDebouncedValue(text.trim(), 180)
  const asked = wanted.length > 1
  const customers = useQuery({
    queryKey: ['command', 'customers', wanted],
    enabled: asked && can('read:customers'),
    placeholderData: keepPreviousData,
    queryFn: () => listCustomers({ q: wanted, limit: 4 }),
  })
  const said = useQuery({
    queryKey: ['command', 'said', wanted],
    enabled: asked && can('read:threads'),
    placeholderData: keepPreviousData,
    queryFn: () => need(client.GET('/v1/search', { params: { query: { q: wanted, limit: 3 } } })),
  })

  const act = (id: string, label: string, Mark: Icon, onClick: () => unknown, keywords?: string): SpotlightActionData => ({ id, label, keywords, leftSection: <Mark size={18} stroke={1.7} aria-hidden />, onClick: () => void onClick() })
  const go = (label: string, mark: Icon, path: string, key?: string): SpotlightActionData => ({ ...act(path, label, mark, () => router.history.push(path)), rightSection: key && <kbd>Alt {key.toUpperCase()}</kbd> })

  const pages = [
    ...places.filter((p) => (!p.scope || can(p.scope)) && (!('simulator' in p) || settings.simulator)).map((p) => go(t(`nav.${p.word}`), p.icon, p.to, p.key)),
    ...(text !== '' && can('read:customers') ? [go(t('customers:tabs.segments'), IconFilter, '/customers/segments'), go(t('customers:tabs.merges'), IconArrowMerge, '/customers/merges')] : []),
    // As long as nothing is typed the list is short, and drawn at once.
    ...sections.filter((s) => text !== '' && (!s.scope || can(s.scope))).map((s) => ({ ...go(t(`settings:sections.${s.key}`), s.icon, `/settings/${s.key}`), description: t('nav.settings') })),
  ]
  const writing = can('write:threads') && can('read:customers')
  const acts = [
    ...(writing ? [act('begin', t('command.begin'), IconMessagePlus, () => router.navigate({ to: '/inbox', search: { write: 'new' } as never }))] : []),
    ...(can('write:campaigns') ? [go(t('command.newCampaign'), IconPlus, '/campaigns/new')] : []),
    ...(can('write:customers') ? [go(t('command.import'), IconUpload, '/customers/import')] : []),
    ...(can('write:providers') ? [go(t('command.newProvider'), IconPlugConnected, '/settings/providers/+')] : []),
    scheme === 'dark' ? act('light', t('command.light'), IconSun, () => setScheme('light')) : act('dark', t('command.dark'), IconMoon, () => setScheme('dark')),
    ...(Object.keys(languages) as Language[]).filter((l) => l !== i18n.language).map((l) => act(`speak-${l}`, languages[l], IconLanguage, () => speak(l), t('command.language'))),
    act('leave', t('account.leave'), IconLogout, leave),
  ]
  // The server has found these; the list's own search need not agree.
  const people = (asked ? (customers.data?.data ?? []) : []).map((c): SpotlightActionData => ({
    ...act(c.id, c.name || c.external_id || c.addresses?.[0]?.address || t('command.nameless'), IconUser, () => router.navigate({ to: '/customers/$id', params: { id: c.id } }), text),
    description: c.addresses?.map((a) => a.address).join(' · '),
  }))
  const threads = (asked ? (said.data?.data ?? []) : []).map((e): SpotlightActionData => ({
    ...act(e.id, e.text.replaceAll(/\s+/g, ' ').slice(0, 90), IconMessages, () => router.navigate({ to: '/inbox/$thread', params: { thread: e.thread }, search: { entry: e.id } as never }), text),
    description: e.author || undefined,
    leftSection: <ChannelIcon channel={e.channel} size={20} />,
  }))
  if (asked && can('read:threads')) threads.push(act('search', t('command.search', { text: wanted }), IconSearch, () => router.navigate({ to: '/inbox', search: { q: wanted } as never }), text))
  const letters = (asked && writing ? (customers.data?.data ?? []).slice(0, 3) : []).map((c) =>
    act(`write-${c.id}`, t('command.writeTo', { name: c.name || c.addresses?.[0]?.address || t('command.nameless') }), IconMessagePlus, () => router.navigate({ to: '/inbox', search: { write: c.id } as never }), text),
  )

  const groups: SpotlightActionGroupData[] = [
    { group: t('command.people'), actions: people },
    { group: t('command.said'), actions: threads },
    { group: t('command.go'), actions: pages },
    { group: t('command.do'), actions: [...letters, ...acts] },
  ].filter((g) => g.actions.length > 0)
  return (
    <Spotlight
      actions={groups}
      query={text}
      onQueryChange={setText}
      shortcut={null}
      nothingFound={customers.isFetching || said.isFetching ? t('loading') : t('command.nothing')}
      searchProps={{ leftSection: <IconSearch size={18} />, placeholder: t('command.placeholder'), 'aria-label': t('command.placeholder') }}
      scrollable
      maxHeight={460}
      overlayProps={{ backgroundOpacity: 0.4, blur: 0 }} // a blur of the whole page costs more than the bar itself
    />
  )
}
