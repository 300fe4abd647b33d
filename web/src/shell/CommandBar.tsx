import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight'
import { IconMessagePlus, IconMoon, IconPlus, IconSearch, IconUser } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../api/client'
import { need } from '../api/pages'
import { useCan, useSession } from '../api/session'
import { places } from './places'
import { useScheme } from './scheme'

/** Cmd/Ctrl-K: go anywhere, do the common things, find a customer or what was written. */
export function CommandBar() {
  const { t } = useTranslation()
  const go = useNavigate()
  const can = useCan()
  const { settings } = useSession()
  const { scheme, setScheme } = useScheme()
  const [text, setText] = useState('')
  const [wanted] = useDebouncedValue(text.trim(), 180)
  const customers = useQuery({
    queryKey: ['command', 'customers', wanted],
    enabled: wanted.length > 1 && can('read:customers'),
    queryFn: () => need(client.GET('/v1/customers', { params: { query: { q: wanted, limit: 6 } } })),
  })
  const pages: SpotlightActionData[] = places
    .filter((p) => (!p.scope || can(p.scope)) && (!('demo' in p) || settings.demo))
    .map((p) => ({ id: p.to, label: t(`nav.${p.word}`), leftSection: <p.icon size={18} />, rightSection: <kbd>Alt {p.key.toUpperCase()}</kbd>, onClick: () => void go({ to: p.to }) }))
  const writing = can('write:threads') && can('read:customers')
  const acts: SpotlightActionData[] = [
    ...(writing ? [{ id: 'begin', label: t('command.begin'), leftSection: <IconMessagePlus size={18} />, onClick: () => void go({ to: '/inbox', search: { write: 'new' } as never }) }] : []),
    ...(can('write:campaigns') ? [{ id: 'new-campaign', label: t('command.newCampaign'), leftSection: <IconPlus size={18} />, onClick: () => void go({ to: '/campaigns/new' }) }] : []),
    { id: 'scheme', label: scheme === 'dark' ? t('account.light') : t('account.dark'), leftSection: <IconMoon size={18} />, onClick: () => setScheme(scheme === 'dark' ? 'light' : 'dark') },
    { id: 'profile', label: t('account.profile'), leftSection: <IconUser size={18} />, onClick: () => void go({ to: '/settings/$section', params: { section: 'profile' } }) },
  ]
  const people: SpotlightActionData[] = (wanted ? (customers.data?.data ?? []) : []).map((c) => ({
    id: c.id,
    label: c.name || c.external_id || c.id,
    description: c.addresses?.map((a) => a.address).join(' · '),
    keywords: wanted, // the server has found it; the list need not agree
    leftSection: <IconUser size={18} />,
    onClick: () => void go({ to: '/customers/$id', params: { id: c.id } }),
  }))
  const letters: SpotlightActionData[] = (wanted && writing ? (customers.data?.data ?? []).slice(0, 3) : []).map((c) => ({
    id: `write-${c.id}`,
    label: t('command.writeTo', { name: c.name || c.addresses[0]?.address || c.id }),
    keywords: wanted,
    leftSection: <IconMessagePlus size={18} />,
    onClick: () => void go({ to: '/inbox', search: { write: c.id } as never }),
  }))
  const search: SpotlightActionData[] =
    wanted && can('read:threads') ? [{ id: 'search', label: t('command.search', { text: wanted }), keywords: wanted, leftSection: <IconSearch size={18} />, onClick: () => void go({ to: '/inbox', search: { q: wanted } as never }) }] : []
  const groups: SpotlightActionGroupData[] = [
    { group: t('command.people'), actions: people },
    { group: t('command.go'), actions: pages },
    { group: t('command.do'), actions: [...search, ...letters, ...acts] },
  ].filter((g) => g.actions.length > 0)
  return (
    <Spotlight
      actions={groups}
      query={text}
      onQueryChange={setText}
      shortcut={['mod + K']}
      nothingFound={customers.isFetching ? t('loading') : t('command.nothing')}
      searchProps={{ leftSection: <IconSearch size={18} />, placeholder: t('command.placeholder'), 'aria-label': t('command.placeholder') }}
      scrollable
      maxHeight={420}
      highlightQuery
    />
  )
}
