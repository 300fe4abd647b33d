import { ActionIcon, Loader, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconArrowLeft, IconMessageOff, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { ChannelIcon } from '../../ui/Channel'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { Rows } from '../../ui/Rows'
import { When } from '../../ui/When'
import type { Entry } from './entries'
import { usePlace } from './filter'
import classes from './List.module.css'

/** Everything that was ever said, the newest first; a hit opens its thread where it was said. */
export function Search({ close }: { close: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { filter, setFilter, open, entry } = usePlace()
  const [text, setText] = useState(filter.q ?? '')
  const [q] = useDebouncedValue(text.trim(), 200)
  const [active, setActive] = useState(-1)
  const hits = usePages<Entry>(['search', q], (cursor, signal) => need(client.GET('/v1/search', { params: { query: { q, limit: 50, cursor } }, signal })), { enabled: q.length > 0 })
  const show = (e: Entry) => open(e.thread, e.id)
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === 'Escape') {
      e.preventDefault()
      e.stopPropagation()
      close()
    } else if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault()
      setActive(Math.max(0, Math.min(hits.rows.length - 1, active + (e.key === 'ArrowDown' ? 1 : -1))))
    } else if (e.key === 'Enter' && hits.rows[Math.max(0, active)]) {
      setFilter({ q: text.trim() })
      show(hits.rows[Math.max(0, active)]!)
    }
  }
  return (
    <section className={classes.list} aria-label={t('search.label')}>
      <div className={classes.tools}>
        <ActionIcon variant="subtle" color="gray" onClick={close} aria-label={t('search.close')}>
          <IconArrowLeft size={18} />
        </ActionIcon>
        <TextInput
          style={{ flex: 1 }}
          size="sm"
          autoFocus
          type="search"
          value={text}
          maxLength={200}
          onChange={(e) => {
            setText(e.currentTarget.value)
            setActive(-1)
          }}
          onKeyDown={onKeyDown}
          onBlur={() => text.trim() !== (filter.q ?? '') && setFilter({ q: text.trim() || undefined })}
          placeholder={t('search.hint')}
          aria-label={t('search.label')}
          leftSection={<IconSearch size={15} aria-hidden />}
          rightSection={hits.isFetching ? <Loader size={12} /> : undefined}
        />
      </div>
      <div className={classes.body}>
        {q === '' ? (
          <Empty icon={IconSearch} title={t('search.label')}>
            {t('search.about')}
          </Empty>
        ) : hits.isPending ? (
          <div className={classes.wait}>
            <Loading rows={6} height={60} />
          </div>
        ) : hits.error ? (
          <div className={classes.wait}>
            <ProblemAlert error={hits.error} retry={() => void hits.refetch()} />
          </div>
        ) : hits.rows.length === 0 ? (
          <Empty icon={IconMessageOff} title={t('search.nothing', { q })}>
            {t('search.nothingAbout')}
          </Empty>
        ) : (
          <Rows rows={hits.rows} keyOf={(e) => e.id} height={78} label={t('search.label')} more={hits.more} active={active} row={(e, i) => <Hit entry={e} q={q} active={i === active || e.id === entry} show={() => show(e)} />} />
        )}
      </div>
    </section>
  )
}

function Hit({ entry: e, q, active, show }: { entry: Entry; q: string; active: boolean; show: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const customer = useQuery({ queryKey: ['customer-name', e.customer], enabled: can('read:customers') && (e.kind !== 'inbound' || !e.author), staleTime: 600_000, queryFn: async () => (await need(client.GET('/v1/customers/{id}', { params: { path: { id: e.customer } } }))).name })
  return (
    <UnstyledButton className={classes.hit} data-active={active || undefined} onClick={show}>
      <ChannelIcon channel={e.channel} size={20} />
      <span className={classes.hitWords}>
        <header>
          <b>{e.kind === 'inbound' ? e.author || customer.data || t('kind.inbound') : e.kind === 'note' ? t('entry.noteBy', { author: e.author || '' }) : [e.author || t('entry.us'), customer.data].filter(Boolean).join(' → ')}</b>
          <When at={e.created_at} as="brief" />
        </header>
        <p>
          <Marked text={around(e.text, q)} q={q} />
        </p>
      </span>
    </UnstyledButton>
  )
}

const stems = (q: string) => (q.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).map((w) => (w.length > 5 ? w.slice(0, -2) : w.length > 3 ? w.slice(0, -1) : w))

/** The words around the first that was found. */
function around(text: string, q: string): string {
  const low = text.toLowerCase()
  const at = Math.min(...stems(q).map((s) => low.indexOf(s)).filter((i) => i >= 0))
  return Number.isFinite(at) && at > 60 ? `…${text.slice(at - 40, at + 200)}` : text.slice(0, 240)
}

function Marked({ text, q }: { text: string; q: string }) {
  const words = stems(q)
  if (words.length === 0) return text
  const parts = text.split(new RegExp(`((?<![\\p{L}\\p{N}])(?:${words.join('|')})[\\p{L}\\p{N}]*)`, 'giu'))
  return parts.map((p, i) => (i % 2 ? <mark key={i}>{p}</mark> : p))
}
