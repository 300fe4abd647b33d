import { Button, Select, TextInput } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { Empty } from '../../../ui/Empty'
import { Face } from '../../../ui/Face'
import { Page } from '../../../ui/Page'
import { Rows } from '../../../ui/Rows'
import { When } from '../../../ui/When'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

type Entry = Schemas['AuditEntry']
type Filter = { actor?: string; action?: string; resource?: string; since?: string; until?: string }

/** What things can be done to, as actions begin. */
const things = ['agent', 'session', 'key', 'provider', 'endpoint', 'campaign', 'template', 'topic', 'canned', 'hours', 'assignment', 'label', 'view', 'segment', 'customer', 'customers', 'address', 'merge_rules', 'entry', 'stray', 'quarantine'] as const

const day = (date: string | undefined, plus = 0) => {
  if (!date || !/^\d{4}-\d\d-\d\d$/.test(date)) return undefined
  const at = new Date(`${date}T00:00:00`)
  at.setDate(at.getDate() + plus)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** Who did what, newest first; the filter stands in the address, so that it can be shown to somebody. */
export default function Audit() {
  const { t } = useWords()
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const go = useNavigate()
  const of = (k: keyof Filter) => (typeof search[k] === 'string' && search[k] ? search[k] : undefined)
  const filter: Filter = { actor: of('actor'), action: of('action'), resource: of('resource'), since: of('since'), until: of('until') }
  const set = (change: Filter) => void go({ to: '/settings/$section', params: { section: 'audit' }, search: Object.fromEntries(Object.entries({ ...filter, ...change }).filter(([, v]) => v)) as never, replace: true })
  const agents = usePages(['agents'], (cursor) => need(client.GET('/v1/agents', { params: { query: { cursor, limit: 100 } } })), { enabled: useCan()('read:agents') })
  const [resource, setResource] = useState(filter.resource ?? '')
  const query = { actor: filter.actor, action: filter.action, resource: filter.resource, since: day(filter.since), until: day(filter.until, 1) }
  const list = usePages(['audit', query], (cursor) => need(client.GET('/v1/audit', { params: { query: { ...query, cursor, limit: 50 } } })))
  const filtered = Object.values(filter).some(Boolean)
  return (
    <Page title={t('sections.audit')} about={t('audit.about')}>
      <form
        role="search"
        className={kit.filters}
        onSubmit={(e) => {
          e.preventDefault()
          set({ resource })
        }}
      >
        <Select label={t('audit.who')} placeholder={t('audit.anybody')} searchable clearable value={filter.actor ?? null} onChange={(v) => set({ actor: v ?? undefined })} data={[...agents.rows.map((a) => ({ value: a.id, label: a.name })), { value: 'rapport', label: 'Rapport' }]} />
        <Select label={t('audit.what')} placeholder={t('audit.anything')} searchable clearable value={filter.action ?? null} onChange={(v) => set({ action: v ?? undefined })} data={things.map((value) => ({ value, label: t(`things.${value}`) }))} />
        <TextInput label={t('audit.resource')} placeholder="tpl_…, key_…" value={resource} onChange={(e) => setResource(e.currentTarget.value)} onBlur={() => resource !== (filter.resource ?? '') && set({ resource })} />
        <TextInput type="date" label={t('audit.since')} value={filter.since ?? ''} onChange={(e) => set({ since: e.currentTarget.value })} />
        <TextInput type="date" label={t('audit.until')} value={filter.until ?? ''} onChange={(e) => set({ until: e.currentTarget.value })} />
        {filtered && (
          <Button
            variant="subtle"
            onClick={() => {
              setResource('')
              void go({ to: '/settings/$section', params: { section: 'audit' }, search: {} as never, replace: true })
            }}
          >
            {t('clear')}
          </Button>
        )}
      </form>
      <Answer of={list}>
        {() =>
          list.rows.length === 0 ? (
            <Empty icon={IconHistory} title={filtered ? t('audit.noneFiltered') : t('audit.none')}>
              {t('audit.noneAbout')}
            </Empty>
          ) : (
            <div className={kit.rows}>
              <Rows rows={list.rows} keyOf={(e) => e.id} height={58} label={t('sections.audit')} more={list.more} row={(e) => <Line entry={e} about={agents.rows.find((a) => a.id === e.resource)?.name} />} />
            </div>
          )
        }
      </Answer>
    </Page>
  )
}

function Line({ entry: e, about }: { entry: Entry; about?: string }) {
  const { t, word } = useWords()
  const who = e.actor.kind === 'rapport' ? 'Rapport' : (e.actor.name ?? e.actor.id ?? '')
  const more = details(e.detail, who, (k) => word('details', k), (v) => (word('roles', v) === v ? word('values', v) : word('roles', v)))
  return (
    <div className={kit.row}>
      <Face name={who} size={28} />
      <div className={kit.grow}>
        <b>{who}</b>{' '}
        {e.actor.kind === 'key' && (
          <State size="xs" variant="default">
            {t('audit.key')}
          </State>
        )}{' '}
        {word('did', e.action)} {e.resource && e.resource !== e.actor.id && (about ? <span title={e.resource}>{about}</span> : <span className={kit.mono}>{e.resource}</span>)}
        {more && <div className={kit.soft}>{more}</div>}
      </div>
      <span className={kit.soft}>
        <When at={e.at} as="full" />
      </span>
    </div>
  )
}

/** What an entry has beside: name: value, …, at most a line of it. */
function details(detail: unknown, who: string, nameOf: (key: string) => string, wordOf: (value: string) => string): string {
  if (typeof detail !== 'object' || detail === null) return ''
  const text = (v: unknown) => (typeof v === 'object' && v !== null ? JSON.stringify(v) : wordOf(String(v)))
  return Object.entries(detail)
    .filter(([k, v]) => v !== '' && v !== null && !(k === 'by' && v === who) && !(k === 'clear_totp' && v === 'false'))
    .map(([k, v]) => `${nameOf(k).replace(/_/g, ' ')}: ${Array.isArray(v) ? v.map(text).join(', ') : text(v)}`)
    .join(' · ')
    .slice(0, 240)
}
