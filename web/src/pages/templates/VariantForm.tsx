import { Button, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ChannelBadge } from '../../ui/Channel'
import { Buttons } from './Buttons'
import { Code } from './Code'
import { within, type Faults } from './faults'
import classes from './VariantForm.module.css'
import type { Variant } from './source'

/** The texts of one variant. What a channel has no use for is not asked. */
export function VariantForm({ variant: v, onChange, readOnly, path, faults }: { variant: Variant; onChange: (v: Variant) => void; readOnly: boolean; /** Of the variant in the template. */ path: string; faults: Faults }) {
  const { t } = useTranslation('templates')
  const set = (part: Partial<Variant>) => onChange({ ...v, ...part })
  const wrong = (field: string) => within(faults, `${path}.${field}`)
  const said = (field: string) => wrong(field).map((f) => f.message).join('; ') || undefined
  const email = v.channel === 'email'
  const [kind, setKind] = useState<'html' | 'mjml'>(v.mjml ? 'mjml' : 'html')
  const [plain, setPlain] = useState(!!v.text)
  return (
    <Stack gap="sm" className={classes.all}>
      <div className={classes.head}>
        <ChannelBadge channel={v.channel} />
        <Text size="sm" c="dimmed">{v.locale || t('anyLanguage')}</Text>
      </div>
      {email && (
        <>
          <TextInput label={t('field.subject')} error={said('subject')} value={v.subject ?? ''} readOnly={readOnly} onChange={(e) => set({ subject: e.currentTarget.value })} classNames={{ input: classes.mono }} />
          <TextInput label={t('field.preheader')} description={t('field.preheaderAbout')} error={said('preheader')} value={v.preheader ?? ''} readOnly={readOnly} onChange={(e) => set({ preheader: e.currentTarget.value || undefined })} classNames={{ input: classes.mono }} />
          <div>
            <div className={classes.label}>
              <Text size="sm" fw={500} component="span">{t('field.mail')}</Text>
              <SegmentedControl size="xs" aria-label={t('field.language')} disabled={readOnly} value={kind} onChange={(k) => { setKind(k as 'html' | 'mjml'); onChange({ ...v, html: k === 'html' ? (v.mjml ?? v.html) : undefined, mjml: k === 'mjml' ? (v.html ?? v.mjml) : undefined }) }} data={[{ value: 'html', label: 'HTML' }, { value: 'mjml', label: 'MJML' }]} />
            </div>
            <Code label={t('field.mail')} kind="html" value={(kind === 'mjml' ? v.mjml : v.html) ?? ''} readOnly={readOnly} faults={wrong(kind)} onChange={(x) => set(kind === 'mjml' ? { mjml: x } : { html: x })} tall />
          </div>
          {plain ? (
            <div>
              <Text size="sm" fw={500} mb={4}>{t('field.plain')}</Text>
              <Code label={t('field.plain')} kind="text" value={v.text ?? ''} readOnly={readOnly} faults={wrong('text')} onChange={(x) => set({ text: x || undefined })} />
            </div>
          ) : (
            !readOnly && <div><Button size="compact-sm" variant="subtle" onClick={() => setPlain(true)}>{t('field.addPlain')}</Button> <Text span size="xs" c="dimmed">{t('field.plainAbout')}</Text></div>
          )}
        </>
      )}
      {(v.channel === 'sms' || v.channel === 'whatsapp' || v.channel === 'telegram') && (
        <div>
          <Text size="sm" fw={500} mb={4}>{t('field.text')}</Text>
          <Code label={t('field.text')} kind={v.channel === 'telegram' ? 'html' : 'text'} value={v.text ?? ''} readOnly={readOnly} faults={wrong('text')} onChange={(x) => set({ text: x })} />
          {v.channel === 'telegram' && <Text size="xs" c="dimmed" mt={4}>{t('field.telegramAbout')}</Text>}
        </div>
      )}
      {v.channel === 'telegram' && <Buttons of={v.buttons ?? []} readOnly={readOnly} onChange={(buttons) => set({ buttons: buttons.length ? buttons : undefined })} />}
      {said('buttons') && <Text size="sm" c="red" role="alert">{said('buttons')}</Text>}
      {v.channel === 'webhook' && <Body value={v.body} readOnly={readOnly} onChange={(body) => set({ body })} wrong={said('body')} />}
    </Stack>
  )
}

/** JSON as text while it is being written; the template takes it over when it is whole. */
function Body({ value, readOnly, onChange, wrong }: { value: unknown; readOnly: boolean; onChange: (body: unknown) => void; wrong: string | undefined }) {
  const { t } = useTranslation('templates')
  const [text, setText] = useState(() => JSON.stringify(value ?? {}, null, 2))
  const [bad, setBad] = useState(false)
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>{t('field.body')}</Text>
      <Code
        label={t('field.body')}
        kind="text"
        value={text}
        readOnly={readOnly}
        tall
        onChange={(x) => {
          setText(x)
          try {
            onChange(JSON.parse(x))
            setBad(false)
          } catch {
            setBad(true)
          }
        }}
      />
      {(bad || wrong) && <Text size="sm" c="red" mt={4} role="alert">{bad ? t('field.badJSON') : wrong}</Text>}
    </div>
  )
}
