import { MultiSelect } from '@mantine/core'
import { useWords } from '../kit/words'

/** The types of events, by what they are about. */
const types: Record<string, string[]> = {
  message: ['sent', 'delivered', 'failed', 'skipped', 'opened', 'clicked'],
  reply: ['received'],
  thread: ['opened', 'assigned', 'resolved', 'updated'],
  entry: ['created'],
  call: ['updated'],
  consent: ['updated'],
  customer: ['created', 'updated', 'merged', 'erased'],
  campaign: ['launched', 'progress', 'finished'],
  endpoint: ['disabled'],
}

const patterns = ['*', ...Object.entries(types).flatMap(([thing, did]) => [...(did.length > 1 ? [`${thing}.*`] : []), ...did.map((d) => `${thing}.${d}`)])]

export function EventChoice({ value, onChange, error, disabled }: { value: string[]; onChange: (events: string[]) => void; error?: string; disabled?: boolean }) {
  const { t } = useWords()
  // What somebody subscribed to by the API and this list does not know stays there.
  const data = [...new Set([...patterns, ...value])].map((p) => ({ value: p, label: p === '*' ? t('endpoints.everything') : p }))
  return <MultiSelect label={t('endpoints.events')} description={t('endpoints.eventsAbout')} searchable data={data} value={value} onChange={onChange} error={error} disabled={disabled} hidePickedOptions maxDropdownHeight={280} />
}
