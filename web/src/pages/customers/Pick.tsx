import { Combobox, InputBase, Loader, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { listCustomers } from '../../api/customers'
import { nameOf } from './name'

/** Finds one customer by what is typed; except leaves one out. */
export function Pick({ label, except, onPick }: { label: string; except?: string; onPick: (c: Schemas['Customer']) => void }) {
  const { t } = useTranslation('customers')
  const [words, setWords] = useState('')
  const [q] = useDebouncedValue(words.trim(), 200)
  const box = useCombobox()
  const found = useQuery({ queryKey: ['customers', 'pick', q], enabled: q.length > 0, queryFn: () => listCustomers({ q, limit: 8 }) })
  const people = (found.data?.data ?? []).filter((c) => c.id !== except)
  return (
    <Combobox
      store={box}
      onOptionSubmit={(id) => {
        const c = people.find((p) => p.id === id)
        if (c) onPick(c)
        box.closeDropdown()
      }}
    >
      <Combobox.Target>
        <InputBase label={label} placeholder={t('find')} value={words} rightSection={found.isFetching && <Loader size={14} />} onFocus={() => box.openDropdown()} onChange={(e) => (setWords(e.currentTarget.value), box.openDropdown())} data-autofocus />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!q || found.isPending}>
        <Combobox.Options aria-label={label}>
          {people.map((c) => (
            <Combobox.Option key={c.id} value={c.id}>
              <div>{nameOf(c)}</div>
              <small>{c.addresses.map((a) => a.address).join(' · ')}</small>
            </Combobox.Option>
          ))}
          {people.length === 0 && <Combobox.Empty>{t('none.title')}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}
