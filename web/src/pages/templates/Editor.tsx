import { Button, Group, Modal, Select, TagsInput, Text } from '@mantine/core'
import { IconHistory, IconSend } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useBlocker, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { Loading } from '../../ui/Loading'
import { Page } from '../../ui/Page'
import { ProblemAlert, useTell } from '../../ui/Problem'
import classes from './Editor.module.css'
import { faultsOf } from './faults'
import { Matrix } from './Matrix'
import { usePreview } from './preview'
import { PreviewPane } from './PreviewPane'
import { placeOf, type Source, type Variant } from './source'
import { TestSend } from './TestSend'
import { VariantForm } from './VariantForm'

const Versions = lazy(() => import('./Versions'))

/** One template: its variants by channel and language, each with what it looks like beside it. */
export function Editor() {
  const { t } = useTranslation('templates')
  const { key } = useParams({ strict: false }) as { key: string }
  const template = $api.useQuery('get', '/v1/templates/{key}', { params: { path: { key } } })
  if (template.data) return <Work key={key} template={template.data} />
  return (
    <Page title={key} crumbs={[{ label: t('title'), to: '/templates' }]}>
      <Answer of={template}>{() => null}</Answer>
    </Page>
  )
}

const sourceOf = (x: Schemas['Template']): Source => ({ topic: x.topic ?? '', variants: x.variants ?? [], ...(x.required ? { required: x.required } : {}) })

function Work({ template }: { template: Schemas['Template'] }) {
  const { t } = useTranslation('templates')
  const { t: common } = useTranslation()
  const can = useCan()
  const may = can('write:templates')
  const tell = useTell()
  const queries = useQueryClient()
  const key = template.key
  const [source, setSource] = useState<Source>(() => sourceOf(template))
  const [saved, setSaved] = useState(() => JSON.stringify(sourceOf(template)))
  const variants = source.variants ?? []
  const [place, setPlace] = useState(() => (variants[0] ? placeOf(variants[0]) : ''))
  const [beside, setBeside] = useState('')
  const [dialog, setDialog] = useState<'versions' | 'test' | null>(null)
  const [data, setData] = useState<Record<string, unknown>>(() => example(template.required ?? []))
  const [customer, setCustomer] = useState('')
  const dirty = JSON.stringify(source) !== saved
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm(t('leave')), enableBeforeUnload: dirty })
  const at = variants.findIndex((v) => placeOf(v) === place)
  const variant = variants[at]
  const other = variants.findIndex((v) => placeOf(v) === beside)
  const shown = usePreview(key, { source, variant, customer, data })
  const put = (i: number, v: Variant) => setSource({ ...source, variants: variants.map((x, j) => (j === i ? v : x)) })
  const topics = useQuery({ queryKey: ['topics', 'choice'], queryFn: ({ signal }) => need(client.GET('/v1/topics', { params: { query: { limit: 200 } }, signal })) })
  const save = useMutation({
    mutationFn: (s: Source) => need(client.PUT('/v1/templates/{key}', { params: { path: { key } }, body: s })),
    onSuccess: (now, s) => {
      setSaved(JSON.stringify(s))
      void queries.invalidateQueries({ queryKey: ['templates'] })
      void queries.invalidateQueries({ queryKey: ['get', '/v1/templates/{key}'] })
      tell.done(t('did.save', { n: now.version }))
    },
  })
  const error = shown.data?.refused ?? (save.variables === source ? save.error : null)
  const faults = useMemo(() => faultsOf(error), [error])
  return (
    <Page
      wide
      title={key}
      crumbs={[{ label: t('title'), to: '/templates' }]}
      actions={
        <>
          <Text size="sm" c="dimmed" role="status">{dirty ? t('unsaved') : t('version', { n: save.data?.version ?? template.version })}</Text>
          <Button variant="default" leftSection={<IconHistory size={16} />} onClick={() => setDialog('versions')}>{t('versions')}</Button>
          {can('write:messages') && <Button variant="default" leftSection={<IconSend size={16} />} disabled={dirty || !variant} title={dirty ? t('test.saveFirst') : undefined} onClick={() => setDialog('test')}>{t('test.act')}</Button>}
          {may && <Button disabled={!dirty} loading={save.isPending} onClick={() => save.mutate(source)}>{common('save')}</Button>}
        </>
      }
    >
      {save.error && Object.keys(faults).length === 0 && <div className={classes.problem}><ProblemAlert error={save.error} /></div>}
      <div className={classes.top}>
        <Matrix source={source} faults={faults} place={place} onPlace={setPlace} onChange={(variants) => setSource({ ...source, variants })} may={may} />
        <Group gap="sm" align="flex-start" className={classes.settings}>
          <Select size="xs" label={t('topic')} placeholder={t('noTopic')} clearable searchable disabled={!may} value={source.topic || null} onChange={(v) => setSource({ ...source, topic: v ?? '' })} data={[...new Set([...(topics.data?.data.map((x) => x.key) ?? []), ...(source.topic ? [source.topic] : [])])]} />
          <TagsInput size="xs" className={classes.tags} label={t('required')} placeholder="data.url" disabled={!may} value={source.required ?? []} onChange={(required) => setSource({ topic: source.topic, variants, ...(required.length ? { required } : {}) })} />
        </Group>
      </div>
      {variant ? (
        <div className={classes.columns}>
          <VariantForm key={place} path={`variants[${at}]`} faults={faults} variant={variant} onChange={(v) => put(at, v)} readOnly={!may} />
          <div className={classes.beside}>
            {variants.length > 1 && (
              <Select size="xs" className={classes.pick} aria-label={t('beside.label')} value={beside} onChange={(v) => setBeside(v ?? '')} allowDeselect={false} data={[{ value: '', label: t('beside.preview') }, ...variants.filter((v) => placeOf(v) !== place).map((v) => ({ value: placeOf(v), label: t('beside.variant', { channel: common(`channel.${v.channel as 'email'}`), locale: v.locale || t('anyLanguage') }) }))]} />
            )}
            {other >= 0 && beside !== place ? <VariantForm key={beside} path={`variants[${other}]`} faults={faults} variant={variants[other]!} onChange={(v) => put(other, v)} readOnly={!may} /> : <PreviewPane shown={shown} variants={variants} variant={variant} customer={customer} onCustomer={setCustomer} data={data} onData={setData} />}
          </div>
        </div>
      ) : (
        <Text c="dimmed">{t('noVariants')}</Text>
      )}
      <Modal opened={dialog === 'versions'} onClose={() => setDialog(null)} title={t('versions')} size="80rem" closeButtonProps={{ 'aria-label': common('close') }}>
        <Suspense fallback={<Loading rows={4} />}>
          <Versions template={template} now={source} onTake={may ? (s) => { setSource(s); setDialog(null); if (s.variants?.[0] && !s.variants.some((v) => placeOf(v) === place)) setPlace(placeOf(s.variants[0])) } : undefined} />
        </Suspense>
      </Modal>
      {variant && <TestSend opened={dialog === 'test'} onClose={() => setDialog(null)} template={key} variant={variant} data={data} />}
    </Page>
  )
}

/** Values for the variables that the template cannot do without, so that the first preview is whole. */
function example(required: string[]): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const name of required) {
    const path = name.startsWith('data.') ? name.slice(5).split('.') : name.startsWith('customer.') ? [] : name.split('.')
    let at = out
    path.forEach((part, i) => {
      if (i === path.length - 1) at[part] = /url|link/.test(part) ? 'https://shop.example/sale' : /percent|points|count|amount/.test(part) ? 20 : /until|date/.test(part) ? '2027-12-31' : part
      else at = (at[part] ??= {}) as Record<string, unknown>
    })
  }
  return out
}
