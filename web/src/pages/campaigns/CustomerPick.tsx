import { Select, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, type Schemas } from '../../api/client'
import { listCustomers } from '../../api/customers'

/** Finds one customer by name, address or own id. */
export function CustomerPick({ label, value, onChange, size }: { label: string; value: string; onChange: (id: string) => void; size?: 'xs' | 'sm' }) {
  const { t } = useTranslation('campaigns')
  const [text, setText] = useState('')
  const [q] = useDebouncedValue(text.trim(), 200)
  const found = useQuery({ queryKey: ['customers', 'pick', q], queryFn: ({ signal }) => listCustomers({ q: q || undefined, limit: 20 }, signal), placeholderData: keepPreviousData })
  const chosen = $api.useQuery('get', '/v1/customers/{id}', { params: { path: { id: value } } }, { enabled: value !== '', retry: false })
  const people = new Map((found.data?.data ?? []).map((c) => [c.id, c]))
  if (chosen.data && !people.has(chosen.data.id)) people.set(chosen.data.id, chosen.data)
  return (
    <Select
      label={label}
      size={size}
      maw={420}
      searchable
      clearable
      placeholder={t('pick.placeholder')}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={value || null}
      onChange={(v) => onChange(v ?? '')}
      onSearchChange={setText}
      filter={({ options }) => options}
      nothingFoundMessage={found.isFetching ? t('pick.searching') : t('pick.nothing')}
      data={[...people.values()].map((c) => ({ value: c.id, label: nameOf(c) }))}
      renderOption={({ option }) => {
        const c = people.get(option.value)
        return (
          <div>
            <Text size="sm">{option.label}</Text>
            <Text size="xs" c="dimmed">{[c?.external_id, c?.addresses?.[0]?.address].filter(Boolean).join(' · ')}</Text>
          </div>
        )
      }}
    />
  )
}

function nameOf(c: Schemas['Customer']): string {
  return c.name || c.addresses?.[0]?.address || c.external_id || c.id
}
