import { Button, Group, JsonInput, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { fieldErrors } from '../../api/problem'
import { Face } from '../../ui/Face'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { dialog } from './dialog'
import { FilterBuilder } from './FilterBuilder'
import { build, flatten, type Flat } from './filter'
import { nameOf } from './name'
import classes from './Segments.module.css'

type Editing = { title: string; segment?: Schemas['Segment']; filter?: unknown; onSaved?: (key: string) => void }

/** Opens the editor of a segment: a new one, or one there is. */
export function editSegment(e: Editing) {
  dialog({ title: e.title, size: 'xl', children: (close) => <Editor {...e} onSaved={(key) => (close(), e.onSaved?.(key))} /> })
}

/** A key that says what the name says: Loyal in Riga is loyal-in-riga. */
function keyOf(name: string): string {
  const plain = name.normalize('NFD').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60)
  return plain || `segment-${Date.now().toString(36)}`
}

function Editor({ segment, filter: first, onSaved }: Editing) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const tell = useTell()
  const queries = useQueryClient()
  const begin = segment?.filter ?? first
  const [name, setName] = useState(segment?.name ?? '')
  const [flat, setFlat] = useState<Flat | null>(() => (begin ? flatten(begin) : { match: 'all', asked: [] }))
  const [json, setJson] = useState(() => JSON.stringify(begin ?? {}, null, 2))
  const filter = flat ? build(flat) : parsed(json)
  const [asked] = useDebouncedValue(filter ? JSON.stringify(filter) : '', 300)
  const preview = useQuery({ queryKey: ['segment-preview', asked], enabled: asked !== '', retry: false, placeholderData: (old) => old, queryFn: () => need(client.POST('/v1/segments/preview', { body: { filter: JSON.parse(asked) as unknown } })) })
  const save = useMutation({
    mutationFn: () => (segment ? need(client.PUT('/v1/segments/{id}', { params: { path: { id: segment.id } }, body: { name: name.trim(), filter } })) : need(client.POST('/v1/segments', { body: { key: keyOf(name), name: name.trim(), filter } }))),
    onSuccess: (s) => {
      void queries.invalidateQueries({ queryKey: ['get', '/v1/segments'] })
      void queries.invalidateQueries({ queryKey: ['segments'] })
      tell.done(t('segment.saved', { name: s.name }))
      onSaved?.(s.key)
    },
  })
  const wrong = fieldErrors(save.error)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="md">
        <TextInput label={t('segment.name')} placeholder={t('segment.nameHint')} required maxLength={200} value={name} onChange={(e) => setName(e.currentTarget.value)} error={wrong.name ?? wrong.key} data-autofocus />
        {flat ? <FilterBuilder value={flat} onChange={setFlat} /> : <JsonInput label={t('segment.json')} description={t('segment.jsonAbout')} autosize minRows={6} maxRows={16} value={json} onChange={setJson} />}
        <section aria-label={t('segment.preview')} className={classes.preview}>
          {!asked ? (
            <Text c="dimmed" size="sm">
              {t('segment.previewEmpty')}
            </Text>
          ) : preview.error ? (
            <ProblemAlert error={preview.error} />
          ) : preview.data ? (
            <Preview answer={preview.data} />
          ) : (
            <Loading rows={3} height={28} />
          )}
        </section>
        {save.error && Object.keys(wrong).length === 0 && <ProblemAlert error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={!name.trim() || !filter || !!preview.error}>
            {common('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Preview({ answer }: { answer: Schemas['SegmentAnswer'] }) {
  const { t } = useTranslation('customers')
  const format = useFormat()
  const some = answer.customers ?? []
  return (
    <>
      <Text fw={600} role="status">
        {t('segment.count', { count: answer.count, n: format.number(answer.count) })}
      </Text>
      {some.length > 0 && (
        <ul className={classes.people}>
          {some.map((c) => (
            <li key={c.id}>
              <Face name={nameOf(c)} size={22} />
              {/* Dialogs stand outside the router. */}
              <a href={`/customers/${c.id}`} target="_blank" rel="noreferrer">
                {nameOf(c)}
              </a>
            </li>
          ))}
        </ul>
      )}
      {answer.count > some.length && some.length > 0 && (
        <Text size="xs" c="dimmed">
          {t('segment.newest', { count: some.length })}
        </Text>
      )}
    </>
  )
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const v = JSON.parse(text) as unknown
    return typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
