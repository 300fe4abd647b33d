import { Alert, Group, JsonInput, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { problemOf } from '../../api/problem'
import { MailFrame } from '../../ui/MailFrame'
import { CustomerPick } from '../campaigns/CustomerPick'
import classes from './PreviewPane.module.css'
import { rich } from './rich'
import type { Preview, Source, Variant } from './source'

type Props = { template: string; source: Source; variant: Variant; data: Record<string, unknown>; onData: (data: Record<string, unknown>) => void }

/** The variant as somebody would get it, rendered by the engine that sends, while it is being written. */
export function PreviewPane({ template, source, variant, data, onData }: Props) {
  const { t } = useTranslation('templates')
  const [customer, setCustomer] = useState('')
  const [json, setJSON] = useState(() => JSON.stringify(data, null, 2))
  const [wide, setWide] = useState(true)
  const now = { source, channel: variant.channel as 'email', locale: variant.locale ?? '', customer, data }
  const [asked] = useDebouncedValue(now, 350)
  const shown = useQuery({
    queryKey: ['preview', template, asked],
    queryFn: ({ signal }) =>
      need(
        client.POST('/v1/templates/{key}/preview', {
          params: { path: { key: template } },
          body: { channel: asked.channel, locale: asked.locale || undefined, customer: asked.customer || undefined, data: asked.data, source: asked.source },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 60_000,
  })
  const p = shown.data?.channel === variant.channel ? shown.data : undefined
  const problem = shown.error ? problemOf(shown.error) : undefined
  return (
    <section className={classes.all} aria-label={t('preview.title')}>
      <Group gap="sm" align="flex-end" wrap="nowrap" className={classes.who}>
        <div className={classes.grow}><CustomerPick size="xs" label={t('preview.as')} value={customer} onChange={setCustomer} /></div>
        {variant.channel === 'email' && <SegmentedControl size="xs" aria-label={t('preview.width')} value={wide ? 'wide' : 'phone'} onChange={(v) => setWide(v === 'wide')} data={[{ value: 'wide', label: t('preview.wide') }, { value: 'phone', label: t('preview.phone') }]} />}
      </Group>
      <div aria-live="polite">
        {problem && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} title={t('preview.broken')}>
            {problem.errors?.map((e, i) => <Text size="sm" key={i}><code>{(e.path ?? e.location ?? '').replace(/^(body\.)?source\./, '')}</code> {e.message}</Text>) ?? problem.detail ?? problem.title}
          </Alert>
        )}
        {p && p.missing && p.missing.length > 0 && (
          <Alert color="yellow" variant="light" icon={<IconInfoCircle size={18} />} title={t('preview.missing', { count: p.missing.length })} mt={problem ? 8 : 0}>
            <Text size="sm">{p.missing.map((m) => <code key={m} className={classes.name}>{m}</code>)}</Text>
            <Text size="xs">{t('preview.missingAbout')}</Text>
          </Alert>
        )}
      </div>
      {p ? <Shown p={p} wide={wide} /> : !problem && <Skeleton height={420} />}
      {p?.warnings?.map((w) => <Text key={w} size="xs" c="dimmed">{w}</Text>)}
      <JsonInput
        label={t('preview.data')}
        description={t('preview.dataAbout')}
        size="xs"
        autosize
        minRows={3}
        maxRows={12}
        value={json}
        validationError={t('field.badJSON')}
        onChange={(text) => {
          setJSON(text)
          try {
            const v: unknown = text.trim() ? JSON.parse(text) : {}
            if (typeof v === 'object' && v !== null && !Array.isArray(v)) onData(v as Record<string, unknown>)
          } catch {
            // until it is whole again
          }
        }}
      />
    </section>
  )
}

function Shown({ p, wide }: { p: Preview; wide: boolean }) {
  const { t } = useTranslation('templates')
  if (p.channel === 'email')
    return (
      <div className={classes.mail} data-phone={!wide || undefined}>
        <div className={classes.envelope}>
          <div className={classes.subject}>{p.subject || t('preview.noSubject')}</div>
          {p.preheader && <Text size="sm" c="dimmed" lineClamp={1}>{p.preheader}</Text>}
        </div>
        {p.html ? <MailFrame html={p.html} title={t('preview.mail')} /> : <pre className={classes.plain}>{p.text}</pre>}
      </div>
    )
  if (p.channel === 'webhook') return <pre className={classes.json}>{pretty(p.body ?? '')}</pre>
  const telegram = p.channel === 'telegram'
  return (
    <Stack gap={8}>
      <div className={classes.phone} data-channel={p.channel}>
        <div className={classes.bubble}>{telegram ? rich(p.text ?? '') : p.text}</div>
        {p.buttons?.map((row, i) => (
          <div key={i} className={classes.row}>
            {row?.map((b, j) => <span key={j} className={classes.button} title={b.url ?? b.data}>{b.text}</span>)}
          </div>
        ))}
      </div>
      {p.sms && <Text size="sm" c="dimmed" className={classes.count}>{t('preview.sms', { count: p.sms.segments, units: p.sms.units, encoding: p.sms.encoding })}</Text>}
      {p.sms && p.sms.encoding !== 'GSM-7' && <Text size="xs" c="dimmed">{t('preview.ucs2')}</Text>}
    </Stack>
  )
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
