import { Accordion, NumberInput, PasswordInput, Select, Stack, Switch, TagsInput, TextInput, Textarea } from '@mantine/core'
import { useId } from 'react'
import type { Schemas } from '../../../api/client'
import { useWords } from '../kit/words'
import { useDriverWords } from './driver'

type View = Schemas['SettingView']
export type Values = Record<string, unknown>

/** How the API writes a secret that is there. */
export const redacted = '[redacted]'

type Props = { driver: string; of: View; value: unknown; onChange: (value: unknown) => void; errors: Record<string, string>; disabled?: boolean }

/** One field of a driver's settings, drawn from what the driver says about it. */
export function SettingField({ driver, of: s, value, onChange, errors, disabled }: Props) {
  const { t } = useWords()
  const words = useDriverWords().settingOf(driver, s)
  const id = useId()
  if (s.type === 'object') return <Nested driver={driver} of={s} value={value} onChange={onChange} errors={errors} disabled={disabled} />
  const error = errors[`settings.${s.path}`] ?? errors[s.path]
  const help = [words.help, s.default && s.type !== 'bool' && t('providers.default', { value: s.default })].filter(Boolean).join('. ')
  const common = { id, label: words.label, description: help || undefined, error, disabled, required: s.required, withAsterisk: s.required }
  const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value)
  switch (s.type) {
    case 'secret': {
      const kept = value === redacted
      if (/(^|_)key$/.test(s.name) && s.path.includes('dkim')) return <Textarea {...common} autosize minRows={2} maxRows={6} value={kept ? '' : text} required={s.required && !kept} placeholder={kept ? t('providers.secretKept') : undefined} onChange={(e) => onChange(e.currentTarget.value || redactedIf(kept))} autoComplete="off" />
      return <PasswordInput {...common} value={kept ? '' : text} required={s.required && !kept} placeholder={kept ? t('providers.secretKept') : undefined} onChange={(e) => onChange(e.currentTarget.value || undefined)} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('providers.reveal'), tabIndex: 0 }} />
    }
    case 'number':
      return <NumberInput {...common} value={text === '' ? '' : Number(text)} onChange={(v) => onChange(v === '' ? undefined : Number(v))} thousandSeparator={false} maw={220} />
    case 'bool':
      return <Switch id={id} label={words.label} description={words.help} error={error} disabled={disabled} checked={value === undefined ? s.default === 'true' : value === true} onChange={(e) => onChange(e.currentTarget.checked)} />
    case 'choice':
      return <Select {...common} value={text || null} placeholder={s.default} clearable={!s.required} data={s.choices ?? []} onChange={(v) => onChange(v ?? undefined)} maw={280} />
    case 'list':
      return <TagsInput {...common} value={Array.isArray(value) ? value.map(String) : text ? [text] : []} onChange={(v) => onChange(v.length ? v : undefined)} placeholder={t('providers.listHint')} />
    default:
      return <TextInput {...common} value={text} onChange={(e) => onChange(e.currentTarget.value || undefined)} maw={s.type === 'duration' ? 220 : undefined} placeholder={s.type === 'duration' ? '30s' : undefined} autoComplete="off" />
  }
}

const redactedIf = (kept: boolean) => (kept ? redacted : undefined)

/** Settings of an object: folded until somebody needs them, open where something is wrong or set. */
function Nested({ driver, of: s, value, onChange, errors, disabled }: Props) {
  const { label } = useDriverWords().settingOf(driver, s)
  const values = isValues(value) ? value : {}
  const set = (name: string, v: unknown) => {
    const next = { ...values, [name]: v }
    if (v === undefined) delete next[name]
    onChange(Object.keys(next).length ? next : undefined)
  }
  const wrong = Object.keys(errors).some((path) => path.startsWith(`settings.${s.path}.`) || path.startsWith(`${s.path}.`))
  return (
    <Accordion variant="contained" multiple defaultValue={wrong || Object.keys(values).length > 0 ? [s.path] : []} order={3}>
      <Accordion.Item value={s.path}>
        <Accordion.Control>{label}</Accordion.Control>
        <Accordion.Panel>
          <Stack>
            {s.settings?.map((x) => (
              <SettingField key={x.path} driver={driver} of={x} value={values[x.name]} onChange={(v) => set(x.name, v)} errors={errors} disabled={disabled} />
            ))}
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

export function isValues(v: unknown): v is Values {
  return typeof v === 'object' && v !== null && !Array.isArray(v)
}
