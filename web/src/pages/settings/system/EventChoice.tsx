import { MultiSelect } from '@mantine/core'
import { useWords } from '../kit/words'
import { patterns } from './vocabulary'

export function EventChoice({ value, onChange, error, disabled }: { value: string[]; onChange: (events: string[]) => void; error?: string; disabled?: boolean }) {
  const { t } = useWords()
  // What somebody subscribed to by the API and this list does not know stays there.
  const data = [...new Set([...patterns, ...value])].map((p) => ({ value: p, label: p === '*' ? t('endpoints.everything') : p }))
  return <MultiSelect label={t('endpoints.events')} description={t('endpoints.eventsAbout')} searchable data={data} value={value} onChange={onChange} error={error} disabled={disabled} hidePickedOptions maxDropdownHeight={280} />
}
