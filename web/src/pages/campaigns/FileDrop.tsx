import '@mantine/dropzone/styles.css'
import { Autocomplete, Button, Group, Stack, Text, type OptionsFilter } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconFileSpreadsheet, IconUpload } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { newKey } from '../../api/key'
import { problemOf } from '../../api/problem'
import { csrfToken } from '../../api/session-state'
import { useFormat } from '../../ui/format'
import { ProblemAlert } from '../../ui/Problem'
import type { Wish } from './AudienceStep'
import { ConsentWords, saidOf, unsaid, type Said } from '../customers/ConsentWords'
import { isRefused } from '../customers/csv'
import { inUtf8 } from '../customers/encoding'
import { useTopics } from '../customers/topics'
import { choices, guesses, readHead, skip, type Aim, type Head } from './csv'
import classes from './FileDrop.module.css'

export type Added = { added: number; refused: number }

/** A file that waits for its columns to be named. */
export type Dropped = { file: File; /** How it was written, if not in UTF-8. */ was?: string; head: Head; fields: string[]; said: Said }

/** What typing narrows: what stands there chosen, or is like nothing, narrows nothing. */
const offered: OptionsFilter = ({ options, search, limit }) => {
  const words = search.trim().toLowerCase()
  const like = options.filter((o) => 'value' in o && o.value.toLowerCase().includes(words))
  const chosen = like.some((o) => 'value' in o && o.value === words)
  return (chosen || like.length === 0 ? options : like).slice(0, limit)
}

/** A file that is dropped in: its first rows are shown, and each column is named before anything is sent. */
export function FileDrop({ campaign, aim, dropped, onDropped, another, onAdded, onWish }: { campaign: string | undefined; aim: Aim; dropped?: Dropped; onDropped: (d?: Dropped) => void; another: boolean; onAdded: (a: Added) => void; onWish: (w: Wish) => void }) {
  const { t } = useTranslation(['campaigns', 'customers'])
  const { t: common } = useTranslation()
  const format = useFormat()
  const topics = useTopics().list.filter((y) => y.policy !== 'none').map((y) => y.key)
  const { file, head, fields = [] } = dropped ?? {}
  const consents = fields.some((f) => f.startsWith('consent.'))
  const [bad, setBad] = useState('')
  const drop = useMutation({
    mutationFn: async () => {
      const mapping = Object.fromEntries(head!.columns.map((c, i) => [c, fields[i] || skip]))
      const send = (id: string) => upload(id, file!, mapping, consents ? dropped!.said : unsaid)
      if (campaign) return send(campaign)
      onWish({ label: file!.name, apply: async (id) => onAdded(await send(id)) })
      return null
    },
    onSuccess: (a) => {
      onDropped()
      if (a) onAdded(a)
    },
  })
  const take = async (files: File[]) => {
    if (!files[0]) return
    drop.reset()
    try {
      const { file: f, was } = await inUtf8(files[0])
      const h = await readHead(f)
      if (h.columns.length === 0 || h.rows.length === 0) return setBad(t('file.empty'))
      setBad('')
      const again = isRefused(h.columns) // what was refused before, mended
      onDropped({ file: f, was, head: h, fields: guesses(h, { ...aim, topic: aim.topic || (topics.length === 1 ? topics[0] : undefined) }).map((g, i) => (again && i < 2 ? skip : g)), said: unsaid })
    } catch {
      setBad(t('file.unreadable'))
    }
  }
  if (!dropped || !file || !head)
    return (
      <>
        <Dropzone onDrop={(f) => void take(f)} onReject={() => setBad(t('file.notCSV'))} accept={['text/csv', 'text/plain', 'text/tab-separated-values', 'application/vnd.ms-excel', '.csv', '.tsv']} multiple={false} className={classes.drop} inputProps={{ 'aria-label': t('file.drop') }} data-small={another || undefined}>
          <IconFileSpreadsheet size={28} stroke={1.5} aria-hidden />
          <Text fw={550}>{another ? t('file.another') : t('file.drop')}</Text>
          <Text size="sm" c="dimmed">{t('file.about')}</Text>
        </Dropzone>
        {bad && <Text size="sm" c="red" role="alert">{bad}</Text>}
      </>
    )
  const twice = fields.filter((f, i) => f !== skip && f !== '' && fields.indexOf(f) !== i)
  const reach = fields.some((f) => ['id', 'external_id', 'email', 'sms', 'whatsapp', 'telegram', 'webhook'].includes(f))
  return (
    <Stack gap="sm">
      <Text size="sm"><b>{file.name}</b> · {format.bytes(file.size)}</Text>
      {dropped.was && <Text size="sm">{t('file.recoded', { encoding: dropped.was.toUpperCase() })}</Text>}
      <Text size="sm" c="dimmed">{t('file.map')}</Text>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keys */}
      <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('file.map')}>
        <table className={classes.table}>
          <thead>
            <tr>
              {head.columns.map((c, i) => (
                <th key={i} scope="col">
                  <div className={classes.column}>{c || `#${i + 1}`}</div>
                  <Autocomplete size="xs" aria-label={t('file.field', { column: c })} value={fields[i] === skip ? '' : fields[i]} placeholder={t('file.leave')} onChange={(v) => onDropped({ ...dropped, fields: fields.map((f, j) => (j === i ? v.trim() : f)) })} data={choices(c, topics)} filter={offered} limit={200} comboboxProps={{ width: 220, position: 'bottom-start' }} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {head.rows.slice(0, 5).map((r, i) => (
              <tr key={i}>
                {head.columns.map((_, j) => <td key={j} data-off={fields[j] === skip || !fields[j] || undefined}>{r[j]}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Text size="xs" c="dimmed">{t('file.fields')}</Text>
      {consents && <ConsentWords under={3} value={dropped.said} onChange={(said) => onDropped({ ...dropped, said })} />}
      {twice.length > 0 && <Text size="sm" c="red" role="alert">{t('file.twice', { field: twice[0] })}</Text>}
      {!reach && <Text size="sm" c="red" role="alert">{t('file.nobody')}</Text>}
      {drop.error && <ProblemAlert error={drop.error} />}
      <Group gap="xs">
        <Button leftSection={<IconUpload size={16} />} loading={drop.isPending} disabled={twice.length > 0 || !reach} onClick={() => drop.mutate()}>{t('file.add')}</Button>
        <Button variant="subtle" color="gray" onClick={() => onDropped()}>{common('cancel')}</Button>
      </Group>
    </Stack>
  )
}

/** The file as a form: the mapping and the words about consents first, because the server reads them before the rows. */
async function upload(id: string, file: File, mapping: Record<string, string>, said: Said): Promise<Added> {
  const form = new FormData()
  form.append('mapping', JSON.stringify(mapping))
  for (const [k, v] of saidOf(said)) form.append(k, v)
  form.append('file', new File([file], file.name, { type: 'text/csv' }))
  let answer: Response
  try {
    answer = await fetch(`/v1/campaigns/${encodeURIComponent(id)}/recipients`, { method: 'POST', body: form, credentials: 'same-origin', headers: { 'X-CSRF-Token': csrfToken(), 'Idempotency-Key': newKey() } })
  } catch (e) {
    throw problemOf(e)
  }
  const body: unknown = await answer.json().catch(() => ({ title: answer.statusText, status: answer.status }))
  if (!answer.ok) throw body
  return body as Added
}
