import { Button, Menu, Tabs } from '@mantine/core'
import { IconChevronDown, IconCopy, IconDownload, IconPlayerPause, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { Link, Navigate, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { ChannelBadge } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { Page } from '../../ui/Page'
import { useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { may, useActs } from './acts'
import { begins, over, useCampaign, useLiveCampaigns, type Campaign as C } from './campaign'
import classes from './Campaign.module.css'
import { download } from './download'
import { Messages } from './Messages'
import { Overview } from './Overview'
import { Replies } from './Replies'
import { Status } from './Status'
import { Why } from './Why'
import type { Status as S } from './words'

const tabs = ['overview', 'replies', 'messages', 'why'] as const
type Tab = (typeof tabs)[number]

/** One campaign while it runs and after: everything the ledger knows, and what can still be done about it. */
export function Campaign() {
  const { t } = useTranslation('campaigns')
  const { id } = useParams({ strict: false }) as { id: string }
  const queries = useQueryClient()
  const campaign = useCampaign(id)
  useLiveCampaigns((e) => {
    if (e.data.campaign !== id) return
    // What is on its way already is not asked again: events come faster than a long list.
    const anew = (what: string) => void queries.invalidateQueries({ queryKey: ['campaign', id, what] }, { cancelRefetch: false })
    // A list that was scrolled far is fetched anew only at the end: each second would be too much for who reads it.
    if (e.type === 'campaign.progress') void queries.invalidateQueries({ queryKey: ['campaign', id, 'messages'], predicate: (q) => ((q.state.data as { pages?: unknown[] } | undefined)?.pages?.length ?? 0) <= 2 }, { cancelRefetch: false })
    if (e.type === 'campaign.finished') anew('messages')
    if (e.type === 'reply.received') anew('replies')
    if (e.type === 'reply.received' || e.type === 'campaign.finished' || e.type === 'message.opened' || e.type === 'message.clicked') anew('figures')
  })
  const crumbs = [{ label: t('title'), to: '/campaigns' }]
  if (!campaign.data)
    return (
      <Page title={t('one')} crumbs={crumbs}>
        <Answer of={campaign}>{() => null}</Answer>
      </Page>
    )
  const c = campaign.data
  if (c.status === 'draft') return <Navigate to="/campaigns/$id/edit" params={{ id }} replace />
  return (
    <Page title={c.name || t('untitled')} crumbs={crumbs} actions={<Acts campaign={c} />}>
      <Facts campaign={c} />
      <Parts campaign={c} />
    </Page>
  )
}

function Parts({ campaign: c }: { campaign: C }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const go = useNavigate()
  const can = useCan()
  const search = useSearch({ strict: false }) as { tab?: unknown; state?: unknown; customer?: unknown }
  const here = tabs.filter((x) => (x === 'replies' ? can('read:threads') : true))
  const tab = here.find((x) => x === search.tab) ?? 'overview'
  const show = (next: Tab, more: Record<string, string> = {}) => void go({ to: '/campaigns/$id', params: { id: c.id }, search: { tab: next === 'overview' ? undefined : next, ...more }, replace: true })
  return (
    <Tabs value={tab} onChange={(v) => show((v ?? 'overview') as Tab)} keepMounted={false} className={classes.tabs}>
      <Tabs.List mb="lg" className={classes.parts}>
        {here.map((x) => (
          <Tabs.Tab key={x} value={x} rightSection={x === 'replies' && c.counts?.replied ? <span className={classes.count}>{format.number(c.counts.replied)}</span> : undefined}>
            {t(`tab.${x}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="overview">
        <Overview campaign={c} onState={(state) => show('messages', { state })} onReplies={() => show('replies')} />
      </Tabs.Panel>
      <Tabs.Panel value="replies">
        <Replies campaign={c} />
      </Tabs.Panel>
      <Tabs.Panel value="messages">
        <Messages campaign={c} state={typeof search.state === 'string' ? search.state : ''} onState={(state) => show('messages', state ? { state } : {})} onWhy={(customer) => show('why', { customer })} />
      </Tabs.Panel>
      <Tabs.Panel value="why">
        <Why campaign={c.id} customer={typeof search.customer === 'string' ? search.customer : ''} onCustomer={(customer) => show('why', customer ? { customer } : {})} />
      </Tabs.Panel>
    </Tabs>
  )
}

/** What was asked for, in one line. */
function Facts({ campaign: c }: { campaign: C }) {
  const { t } = useTranslation('campaigns')
  return (
    <div className={classes.facts}>
      <Status of={c.status as S} />
      <span>{t(`purpose.${c.purpose as 'marketing'}`)}{c.topic ? ` · ${c.topic}` : ''}</span>
      {c.template && (
        <span>
          <Link to="/templates/$key" params={{ key: c.template }}>{c.template}</Link> {t('version', { n: c.template_version ?? 1 })}
        </span>
      )}
      {c.everyone ? <span>{t('audience.everyone')}</span> : c.segment ? <span>{t('audience.segment', { key: c.segment.key })}</span> : null}
      {(c.routing.channels ?? []).length > 0 && <span className={classes.channels}>{c.routing.channels!.map((x) => <ChannelBadge key={x} channel={x} />)}</span>}
      {c.settings.sandbox && <span>{t('sandbox')}</span>}
      <span className={classes.time}>
        <Time campaign={c} />
      </span>
    </div>
  )
}

/** The time that counts in this state. */
function Time({ campaign: c }: { campaign: C }) {
  const { t } = useTranslation('campaigns')
  const from = begins(c)
  const [word, at] = over(c.status) ? ([c.status === 'cancelled' ? 'cancelled' : 'finished', c.finished_at] as const) : [from && Date.parse(from) > Date.now() ? 'send' : 'launched', from] as const
  return at ? <>{t(`at.${word}`)} <When at={at} as={word === 'launched' ? 'ago' : 'full'} /></> : null
}

function Acts({ campaign: c }: { campaign: C }) {
  const { t } = useTranslation('campaigns')
  const can = useCan()
  const acts = useActs()
  const tell = useTell()
  const write = can('write:campaigns')
  const save = (what: 'messages' | 'refusals') => void download(`/v1/campaigns/${c.id}/${what}`, `${c.name || c.id}-${what}.csv`).catch(tell.failed)
  return (
    <>
      {write && may.pause(c.status) && <Button variant="default" leftSection={<IconPlayerPause size={16} />} loading={acts.busy} onClick={() => acts.pause(c)}>{t('act.pause')}</Button>}
      {write && may.resume(c.status) && <Button leftSection={<IconPlayerPlay size={16} />} loading={acts.busy} onClick={() => acts.resume(c)}>{t('act.resume')}</Button>}
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={14} />}>{t('act.menu')}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconDownload size={16} />} onClick={() => save('messages')}>{t('act.messages')}</Menu.Item>
          {c.refused > 0 && <Menu.Item leftSection={<IconDownload size={16} />} onClick={() => save('refusals')}>{t('act.refusals')}</Menu.Item>}
          {write && <Menu.Item leftSection={<IconCopy size={16} />} onClick={() => acts.duplicate(c)}>{t('act.duplicate')}</Menu.Item>}
          {write && may.cancel(c.status) && <Menu.Item color="red" leftSection={<IconPlayerStop size={16} />} onClick={() => acts.cancel(c)}>{t('act.cancel')}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
    </>
  )
}
