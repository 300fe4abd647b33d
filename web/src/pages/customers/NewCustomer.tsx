import { Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { newKey } from '../../api/key'
import { need } from '../../api/pages'
import { fieldErrors } from '../../api/problem'
import { ProblemAlert } from '../../ui/Problem'
import { useChannelName } from '../../ui/Channel'
import { dialog } from './dialog'
import { channels } from './FilterBuilder'

/** Asks for a new customer. */
export function newCustomer(title: string, onMade: (id: string) => void) {
  dialog({ title, children: (close) => <Form onMade={(made) => (close(), onMade(made))} /> })
}

function Form({ onMade }: { onMade: (id: string) => void }) {
  const { t } = useTranslation('customers')
  const channelName = useChannelName()
  const [name, setName] = useState('')
  const [external, setExternal] = useState('')
  const [channel, setChannel] = useState<(typeof channels)[number]>('email')
  const [address, setAddress] = useState('')
  const [own] = useState(() => `app-${newKey().slice(0, 12)}`)
  const make = useMutation({
    mutationFn: () => need(client.PUT('/v1/customers/{id}', { params: { path: { id: `ext:${external.trim() || own}` } }, body: { name: name.trim(), addresses: address.trim() ? [{ channel, address: address.trim() }] : undefined } })),
    onSuccess: (c) => onMade(c.id),
  })
  const wrong = fieldErrors(make.error)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        make.mutate()
      }}
    >
      <Stack gap="sm">
        <TextInput label={t('new.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} error={wrong.name} data-autofocus />
        <Group gap="xs" align="flex-start" wrap="nowrap" grow preventGrowOverflow={false}>
          <Select label={t('new.channel')} w={130} allowDeselect={false} data={channels.map((c) => ({ value: c, label: channelName(c) }))} value={channel} onChange={(c) => setChannel(c as typeof channel)} />
          <TextInput label={t('new.address')} value={address} onChange={(e) => setAddress(e.currentTarget.value)} error={wrong['addresses[0].address'] ?? wrong['addresses[0]']} placeholder={t(`address.hint.${channel}`)} required />
        </Group>
        <TextInput label={t('new.external')} description={t('new.externalAbout')} value={external} onChange={(e) => setExternal(e.currentTarget.value)} />
        {make.error && Object.keys(wrong).length === 0 && <ProblemAlert error={make.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={make.isPending}>
            {t('new.act')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
