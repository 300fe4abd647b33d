import { Alert, Group, JsonInput, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'
import { ProblemAlert } from '../../ui/Problem'
import { MailFrame } from '../../ui/MailFrame'
import { CustomerPick } from '../campaigns/CustomerPick'
import classes from './PreviewPane.module.css'
import { rich } from './rich'
import type { usePreview } from './preview'
import type { Preview, Variant } from './source'

type Props = { shown: ReturnType<typeof usePreview>; variants: Variant[]; variant: Variant; customer: string; onCustomer: (id: string) => void; data: Record<string, unknown>; onData: (data: Record<string, unknown>) => void }

const parts: string[] = ['subject', 'preheader', 'html', 'mjml', 'text', 'body', 'buttons']

/** The variant as somebody would get it, while it is being written. */
export function PreviewPane({ shown, variants, variant, customer, onCustomer, data, onData }: Props) {
  const { t } = useTranslation('templates')
  const [json, setJSON] = useState(() => JSON.stringify(data, null, 2))
  const [wide, setWide] = useState(true)
  const name = useChannelName()
  // variants[1].html: SMS, ru: text
  const where = (path: string) => {
    const found = /variants\[(\d+)\]\.(\w+)/.exec(path)
    const v = found && variants[Number(found[1])]
    const field = found?.[2] as 'text'
    return v ? `${name(v.channel)}, ${v.locale || t('anyLanguage')}: ${parts.includes(field) ? t(`part.${field}`) : field}` : path
  }
  const page = shown.data?.page
  const p = page?.channel === variant.channel ? page : undefined
  const refused = shown.data?.refused
  return (
    <section className={classes.all} aria-label={t('preview.title')}>
      <Group gap="sm" align="flex-end" wrap="nowrap" className={classes.who}>
        <div className={classes.grow}><CustomerPick size="xs" label={t('preview.as')} value={customer} onChange={onCustomer} /></div>
        {variant.channel === 'email' && <SegmentedControl size="xs" aria-label={t('preview.width')} value={wide ? 'wide' : 'phone'} onChange={(v) => setWide(v === 'wide')} data={[{ value: 'wide', label: t('preview.wide') }, { value: 'phone', label: t('preview.phone') }]} />}
      </Group>
      <div aria-live="polite">
        {shown.error && <ProblemAlert error={shown.error} retry={() => void shown.refetch()} />}
        {refused && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} title={t('preview.broken')}>
            {refused.errors?.map((e, i) => <Text size="sm" key={i}>{where(e.path ?? e.location ?? '')}: {e.message}</Text>) ?? refused.detail ?? refused.title}
          </Alert>
        )}
        {p && p.missing && p.missing.length > 0 && (
          <Alert color="yellow" variant="light" icon={<IconInfoCircle size={18} />} title={t('preview.missing', { count: p.missing.length })} mt={refused ? 8 : 0}>
            <Text size="sm">{p.missing.map((m) => <code key={m} className={classes.name}>{m}</code>)}</Text>
            <Text size="xs">{t('preview.missingAbout')}</Text>
          </Alert>
        )}
      </div>
      {p ? <div className={classes.shown} data-old={refused ? true : undefined}><Shown p={p} wide={wide} /></div> : !refused && !shown.error && <Skeleton height={420} />}
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
