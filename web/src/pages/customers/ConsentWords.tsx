import { Text, TextInput, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import classes from './ConsentWords.module.css'

/** What is said of consents whose rows say nothing about it, as the API calls it. */
export type Said = { source: string; text_version: string; proof: string }
export const unsaid: Said = { source: '', text_version: '', proof: '' }

/** The words that were filled in. */
export function saidOf(s: Said): [string, string][] {
  return Object.entries(s).flatMap(([k, v]) => (v.trim() ? [[k, v.trim()]] : []))
}

/** Where the consents of a file were given, to which wording, and what shows it. */
export function ConsentWords({ value, onChange, under = 2 }: { value: Said; onChange: (s: Said) => void; /** The order of its heading. */ under?: 2 | 3 }) {
  const { t } = useTranslation('customers')
  return (
    <section>
      <Title order={under}>{t('import.consent')}</Title>
      <Text size="sm" c="dimmed" mb="sm" maw={760}>
        {t('import.consentAbout')}
      </Text>
      <div className={classes.words}>
        <TextInput label={t('consent.source')} placeholder="import" maxLength={200} value={value.source} onChange={(e) => onChange({ ...value, source: e.currentTarget.value })} />
        <TextInput label={t('consent.version')} maxLength={200} value={value.text_version} onChange={(e) => onChange({ ...value, text_version: e.currentTarget.value })} />
        <TextInput label={t('consent.proof')} maxLength={2000} value={value.proof} onChange={(e) => onChange({ ...value, proof: e.currentTarget.value })} />
      </div>
    </section>
  )
}
