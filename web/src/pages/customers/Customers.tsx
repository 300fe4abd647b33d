import { Button, CloseButton, Collapse, Group, Indicator, Select, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconAddressBook, IconAdjustmentsHorizontal, IconDownload, IconSearch, IconUpload, IconUserPlus } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { listCustomers, tableOfCustomers } from '../../api/customers'
import { useEvents } from '../../api/events'
import { usePages } from '../../api/pages'
import { useCan } from '../../api/session'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { Rows } from '../../ui/Rows'
import { Area } from './Area'
import { CustomerRow } from './CustomerRow'
import classes from './Customers.module.css'
import { download } from './download'
import { FilterBuilder } from './FilterBuilder'
import { build, flatten, type Flat } from './filter'
import { newCustomer } from './NewCustomer'
import { editSegment } from './SegmentEditor'

const nothing: Flat = { match: 'all', asked: [] }

type Search = { q?: string; segment?: string; filter?: string; order?: 'asc' }

const text = (v: unknown) => (typeof v === 'string' || typeof v === 'number' ? String(v) : undefined)

export function Customers() {
  const { t } = useTranslation('customers')
  const can = useCan()
  const go = useNavigate()
  const queries = useQueryClient()
  const loose = useSearch({ strict: false }) as Record<string, unknown>
  const search: Search = { q: text(loose.q), segment: text(loose.segment), filter: typeof loose.filter === 'object' && loose.filter ? JSON.stringify(loose.filter) : undefined, order: loose.order === 'asc' ? 'asc' : undefined }
  const [words, setWords] = useState(search.q ?? '')
  const [q] = useDebouncedValue(words.trim(), 200)
  const [flat, setFlat] = useState<Flat>(() => flatten(loose.filter) ?? nothing)
  const [open, setOpen] = useState(flat.asked.length > 0)
  const filter = useMemo(() => build(flat), [flat])
  const [filterText] = useDebouncedValue(filter && !search.segment ? JSON.stringify(filter) : undefined, 250)

  const put = (change: Partial<Search>) => void go({ to: '/customers', search: Object.fromEntries(Object.entries({ ...search, ...change }).flatMap(([k, v]) => (v ? [[k, k === 'filter' ? (JSON.parse(v) as unknown) : v]] : []))) as never, replace: true })
  // The address bar follows what is asked, so that a list can be shared and the way back leads to it.
  useEffect(() => {
    if ((search.q ?? '') !== q || search.filter !== filterText) put({ q, filter: filterText })
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only what was typed leads the address
  }, [q, filterText])

  const asked = { q: q || undefined, segment: search.segment, filter: search.segment ? undefined : filterText, order: search.order ?? ('desc' as const), activity: true, limit: 60 }
  const list = usePages(['customers', asked], (cursor, signal) => listCustomers({ ...asked, cursor }, signal))
  const tell = useTell()
  // All that the list asks for, however much of it is shown, in the columns that an import takes.
  const chosen = { q: asked.q, segment: asked.segment, filter: asked.filter, order: asked.order }
  const save = useMutation({
    mutationFn: () => tableOfCustomers(chosen),
    onSuccess: (file) => download('customers.csv', 'text/csv', file),
    onError: tell.failed,
  })
  const segments = $api.useQuery('get', '/v1/segments', { params: { query: { limit: 500 } } })
  useEvents((e) => {
    if (/^customer\.|^reply\.received|^message\.sent/.test(e.type)) void queries.invalidateQueries({ queryKey: ['customers'], refetchType: e.type.startsWith('customer.') && list.rows.length < 200 ? 'active' : 'none' })
  })
  const bare = !q && !search.segment && !filterText
  const clear = () => {
    setWords('')
    setFlat(nothing)
    put({ q: undefined, segment: undefined, filter: undefined })
  }
  return (
    <Area
      wide
      title={t('title')}
      actions={
        <>
          {list.rows.length > 0 && (
            <Button variant="default" leftSection={<IconDownload size={16} />} loading={save.isPending} title={t('export.about')} onClick={() => save.mutate()}>
              {t('export.act')}
            </Button>
          )}
        {can('write:customers') && (
          <>
            <Button variant="default" leftSection={<IconUserPlus size={16} />} onClick={() => newCustomer(t('new.title'), (id) => void go({ to: '/customers/$id', params: { id } }))}>
              {t('new.act')}
            </Button>
            <Button component={Link} to="/customers/import" leftSection={<IconUpload size={16} />}>
              {t('import.act')}
            </Button>
          </>
        )}
        </>
      }
    >
      <div className={classes.bar}>
        <TextInput
          className={classes.search}
          type="search"
          aria-label={t('find')}
          placeholder={t('find')}
          leftSection={<IconSearch size={16} />}
          rightSection={words && <CloseButton size="sm" aria-label={t('clearSearch')} onClick={() => setWords('')} />}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
        />
        <Select className={classes.segment} aria-label={t('segment.one')} placeholder={t('segment.any')} clearable searchable data={segments.data?.data?.map((s) => ({ value: s.key, label: s.name })) ?? []} value={search.segment ?? null} onChange={(segment) => put({ segment: segment ?? undefined, filter: undefined })} />
        <Indicator label={flat.asked.length} size={16} disabled={flat.asked.length === 0 || !!search.segment}>
          <Button variant="default" leftSection={<IconAdjustmentsHorizontal size={16} />} aria-expanded={open && !search.segment} aria-controls="filter" disabled={!!search.segment} title={search.segment ? t('filter.notWithSegment') : undefined} onClick={() => setOpen(!open)}>
            {t('filter.title')}
          </Button>
        </Indicator>
        <Select className={classes.order} aria-label={t('order.label')} allowDeselect={false} data={[{ value: 'desc', label: t('order.desc') }, { value: 'asc', label: t('order.asc') }]} value={asked.order} onChange={(o) => put({ order: o === 'asc' ? 'asc' : undefined })} />
      </div>
      <Collapse expanded={open && !search.segment} id="filter">
        <div className={classes.filter}>
          <FilterBuilder value={flat} onChange={setFlat} />
          {filter && (
            <Group gap="xs" mt="sm">
              {can('write:customers') && (
                <Button size="xs" onClick={() => editSegment({ title: t('segment.save'), filter, onSaved: (key) => (setFlat(nothing), setOpen(false), put({ segment: key, filter: undefined })) })}>
                  {t('segment.save')}
                </Button>
              )}
              <Button size="xs" variant="default" onClick={() => setFlat(nothing)}>
                {t('filter.clear')}
              </Button>
            </Group>
          )}
        </div>
      </Collapse>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={10} height={52} />
      ) : list.rows.length === 0 ? (
        bare ? (
          <Empty icon={IconAddressBook} title={t('empty.title')} action={can('write:customers') && <Button component={Link} to="/customers/import">{t('import.act')}</Button>}>
            {t('empty.about')}
          </Empty>
        ) : (
          <Empty icon={IconSearch} title={t('none.title')} action={<Button variant="default" onClick={clear}>{t('none.clear')}</Button>}>
            {t('none.about')}
          </Empty>
        )
      ) : (
        <div className={classes.table}>
          <div className={classes.head} aria-hidden>
            <span>{t('column.name')}</span>
            <span>{t('column.addresses')}</span>
            <span>{t('column.locale')}</span>
            <span>{t('column.active')}</span>
          </div>
          <div className={classes.rows}>
            <Rows rows={list.rows} keyOf={(c) => c.id} height={57} label={t('title')} more={list.more} row={(c) => <CustomerRow customer={c} />} />
          </div>
          <Text size="xs" c="dimmed" ta="right" mt={6} role="status">
            {list.more.has ? t('shownMore', { count: list.rows.length }) : t('shown', { count: list.rows.length })}
          </Text>
        </div>
      )}
    </Area>
  )
}
