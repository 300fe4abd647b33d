import { ActionIcon, Anchor, CopyButton, Tooltip, UnstyledButton } from '@mantine/core'
import { IconCheck, IconChevronRight, IconCopy, IconExternalLink, IconX } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { useEvents } from '../../api/events'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { When } from '../../ui/When'
import { usePlace } from './filter'
import type { Thread } from './threads'
import { useThread } from './threads'
import classes from './Panel.module.css'

/** Who the customer is: what one looks up while answering, and the way to everything else. */
export function Panel({ thread }: { thread: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const { data } = useThread(thread)
  if (!can('read:customers')) return <p className={classes.none}>{t('panel.forbidden')}</p>
  return (
    <div className={classes.panel}>
      {data ? <About key={data.customer} thread={data} /> : <div className={classes.wait}><Loading rows={6} height={28} /></div>}
    </div>
  )
}

function About({ thread }: { thread: Thread }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const queries = useQueryClient()
  const id = thread.customer
  const path = { path: { id } }
  const customer = $api.useQuery('get', '/v1/customers/{id}', { params: path })
  useEvents((e) => {
    if (e.data.customer === id && (e.type === 'consent.updated' || e.type.startsWith('customer.') || e.type === 'reply.received' || e.type.startsWith('thread.'))) void queries.invalidateQueries({ predicate: (q) => typeof q.queryKey[1] === 'string' && q.queryKey[1].startsWith('/v1/customers/{id}') })
  })
  return (
    <Answer of={customer} loading={<div className={classes.wait}><Loading rows={6} height={28} /></div>}>
      {(c) => (
        <>
          <header className={classes.who}>
            <Face name={c.name} size={44} />
            <div>
              <Anchor component={Link} to="/customers/$id" params={{ id } as never} className={classes.name}>
                {c.name || t('nameless')} <IconExternalLink size={13} aria-hidden />
              </Anchor>
              <p>{[c.external_id, languageOf(c.locale, i18n.language), c.timezone].filter(Boolean).join(' · ')}</p>
            </div>
          </header>
          <Part name="addresses" open>
            <ul className={classes.list}>
              {c.addresses.map((a) => (
                <li key={a.id} className={classes.address}>
                  <ChannelIcon channel={a.channel} size={18} />
                  <span title={a.address}>{a.address}</span>
                  {a.off && <em>{a.off.replaceAll('_', ' ')}</em>}
                  <CopyButton value={a.address}>
                    {({ copied, copy }) => (
                      <Tooltip label={copied ? t('common:copied') : t('common:copy')}>
                        <ActionIcon size="sm" variant="subtle" color="gray" onClick={copy} aria-label={t('panel.copy', { address: a.address })}>
                          {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
                        </ActionIcon>
                      </Tooltip>
                    )}
                  </CopyButton>
                </li>
              ))}
            </ul>
          </Part>
          <Part name="consents" open>
            <Consents id={id} />
          </Part>
          <Part name="preferences">
            <Preferences preferences={c.preferences} />
          </Part>
          <Part name="attributes">
            <Attributes attributes={c.attributes} />
          </Part>
          <Part name="campaigns" open>
            <Campaigns id={id} />
          </Part>
          <Part name="threads" open>
            <Others customer={id} thread={thread.id} />
          </Part>
          <Part name="timeline">
            <Timeline id={id} />
          </Part>
        </>
      )}
    </Answer>
  )
}

function languageOf(locale: string, language: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(locale) ?? locale
  } catch {
    return locale // not a language tag
  }
}

type PartName = 'addresses' | 'consents' | 'preferences' | 'attributes' | 'campaigns' | 'threads' | 'timeline'

/** A part that folds, and stays as it was left. */
function Part({ name, open: first, children }: { name: PartName; open?: boolean; children: ReactNode }) {
  const { t } = useTranslation(['inbox', 'common'])
  const key = `rapport-panel-${name}`
  const [open, setOpen] = useState(() => {
    try {
      return (localStorage.getItem(key) ?? (first ? 'open' : 'folded')) === 'open'
    } catch {
      return !!first // storage is off
    }
  })
  const fold = () => {
    setOpen(!open)
    try {
      localStorage.setItem(key, open ? 'folded' : 'open')
    } catch {
      // storage is off: for this visit only
    }
  }
  return (
    <section className={classes.part}>
      <h3>
        <UnstyledButton className={classes.partHead} aria-expanded={open} onClick={fold}>
          <IconChevronRight size={15} aria-hidden />
          {t(`panel.${name}`)}
        </UnstyledButton>
      </h3>
      {open && <div className={classes.partBody}>{children}</div>}
    </section>
  )
}

function None({ children }: { children: ReactNode }) {
  return <p className={classes.none}>{children}</p>
}

/** The newest word on each channel and topic is what holds. */
function Consents({ id }: { id: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const name = useChannelName()
  const query = $api.useQuery('get', '/v1/customers/{id}/consents', { params: { path: { id }, query: { limit: 200 } } })
  return (
    <Answer of={query} loading={<Loading rows={2} height={22} />}>
      {({ data }) => {
        const holds = new Map<string, Schemas['Consent']>()
        for (const c of data) {
          const key = `${c.channel}|${c.purpose}|${c.topic ?? ''}`
          if (!holds.has(key)) holds.set(key, c)
        }
        const channels = new Map<string, Schemas['Consent'][]>()
        for (const c of holds.values()) channels.set(c.channel, [...(channels.get(c.channel) ?? []), c])
        if (channels.size === 0) return <None>{t('panel.noConsents')}</None>
        return (
          <ul className={classes.list}>
            {[...channels].map(([channel, list]) => (
              <li key={channel} className={classes.consents}>
                <ChannelIcon channel={channel} size={18} />
                <span className="visually-hidden">{name(channel)}</span>
                <div>
                  {list.map((c) => (
                    <span key={`${c.purpose}${c.topic}`} className={classes.consent} data-granted={c.granted || undefined} data-pending={c.pending || undefined} title={`${c.source}${c.at ? ` · ${c.at.slice(0, 10)}` : ''}`}>
                      {c.granted ? <IconCheck size={12} aria-hidden /> : <IconX size={12} aria-hidden />}
                      <span className="visually-hidden">{c.granted ? t('panel.yes') : t('panel.no')}: </span>
                      {c.topic || t(`purpose.${c.purpose as 'marketing'}`)}
                    </span>
                  ))}
                </div>
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}

function Preferences({ preferences: p }: { preferences: Schemas['Preferences'] }) {
  const { t } = useTranslation(['inbox', 'common'])
  const name = useChannelName()
  const off = Object.entries(p.topics ?? {}).flatMap(([topic, on]) => Object.entries(on).filter(([, yes]) => !yes).map(([channel]) => `${topic} · ${name(channel)}`))
  const lines: [string, string][] = []
  if (p.channel_order.length > 0) lines.push([t('panel.order'), p.channel_order.map(name).join(' → ')])
  if (p.quiet_hours) lines.push([t('panel.quiet'), `${p.quiet_hours.from} – ${p.quiet_hours.until}`])
  if (p.frequency_cap) lines.push([t('panel.cap'), `${p.frequency_cap.max} / ${p.frequency_cap.per ?? ''}`])
  if (off.length > 0) lines.push([t('panel.off'), off.join(', ')])
  if (lines.length === 0) return <None>{t('panel.noPreferences')}</None>
  return <Pairs pairs={lines} />
}

function Attributes({ attributes }: { attributes: unknown }) {
  const { t } = useTranslation(['inbox', 'common'])
  const pairs = Object.entries((attributes ?? {}) as Record<string, unknown>).map(([k, v]): [string, string] => [k, typeof v === 'object' ? JSON.stringify(v) : String(v)])
  return pairs.length === 0 ? <None>{t('panel.noAttributes')}</None> : <Pairs pairs={pairs} />
}

function Pairs({ pairs }: { pairs: [string, string][] }) {
  return (
    <dl className={classes.pairs}>
      {pairs.map(([k, v]) => (
        <div key={k}>
          <dt>{k}</dt>
          <dd>{v}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What happened with a customer, the newest first. */
function useHappenings(id: string, limit: number, kind?: 'message') {
  return useQuery({
    queryKey: ['get', '/v1/customers/{id}/timeline', id, limit, kind],
    queryFn: async () => (await need(client.GET('/v1/customers/{id}/timeline', { params: { path: { id }, query: { limit, kinds: kind } } }))) as Schemas['ListHappening'],
  })
}

function Campaigns({ id }: { id: string }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const query = useHappenings(id, 20, 'message')
  return (
    <Answer of={query} loading={<Loading rows={2} height={22} />}>
      {({ data }) => {
        const got = data.filter((h) => h.campaign_name).slice(0, 6)
        if (got.length === 0) return <None>{t('panel.noCampaigns')}</None>
        return (
          <ul className={classes.list}>
            {got.map((h) => (
              <li key={h.message!.id}>
                <Link to="/campaigns/$id" params={{ id: h.message!.campaign } as never} className={classes.other}>
                  <ChannelIcon channel={h.message!.channel} size={18} />
                  <span>{h.campaign_name}</span>
                  <em>{i18n.exists(`inbox:state.${h.message!.state}`) ? t(`state.${h.message!.state}` as 'state.sent') : h.message!.state}</em>
                </Link>
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}

function Others({ customer, thread }: { customer: string; thread: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { open } = usePlace()
  const query = $api.useQuery('get', '/v1/threads', { params: { query: { customer, limit: 20 } } })
  return (
    <Answer of={query} loading={<Loading rows={2} height={22} />}>
      {({ data }) => {
        const others = data.filter((r) => r.id !== thread)
        if (others.length === 0) return <None>{t('panel.noThreads')}</None>
        return (
          <ul className={classes.list}>
            {others.map((r) => (
              <li key={r.id}>
                <UnstyledButton className={classes.other} onClick={() => open(r.id)}>
                  <ChannelIcon channel={r.channel} size={18} />
                  <span>{r.subject || r.preview}</span>
                  <When at={r.last_entry_at} as="brief" />
                </UnstyledButton>
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}

function Timeline({ id }: { id: string }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const { money } = useFormat()
  const query = useHappenings(id, 12)
  const say = (h: Schemas['Happening']): string => {
    if (h.message) return `${h.campaign_name ?? t('happened.message')} · ${i18n.exists(`inbox:state.${h.message.state}`) ? t(`state.${h.message.state}` as 'state.sent') : h.message.state}`
    if (h.entry) return h.entry.text.slice(0, 90)
    if (h.consent) return t(h.consent.granted ? 'happened.consent' : 'happened.withdrawn', { topic: h.consent.topic || h.consent.purpose })
    if (h.event) {
      const p = (h.event.properties ?? {}) as { total?: unknown; currency?: unknown }
      return typeof p.total === 'number' && typeof p.currency === 'string' && /^[A-Z]{3}$/.test(p.currency) ? `${h.event.type} · ${money(p.total, p.currency)}` : h.event.type
    }
    if (h.engagement) return h.engagement.kind
    if (h.call) return t('happened.call')
    return h.report?.kind ?? h.kind
  }
  return (
    <Answer of={query} loading={<Loading rows={4} height={22} />}>
      {({ data }) => (
        <>
          <ol className={classes.timeline}>
            {data.map((h, i) => (
              <li key={i}>
                <When at={h.at} as="brief" />
                <span>{say(h)}</span>
              </li>
            ))}
          </ol>
          <Anchor component={Link} to="/customers/$id" params={{ id } as never} size="xs">
            {t('panel.all')}
          </Anchor>
        </>
      )}
    </Answer>
  )
}
