import { Autocomplete, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { fieldErrors } from '../../api/problem'
import { useChannelName } from '../../ui/Channel'
import { ProblemAlert } from '../../ui/Problem'
import { useChange } from './change'
import { dialog } from './dialog'
import { audiences, channels } from './FilterBuilder'

export function editCustomer(c: Schemas['Customer'], title: string) {
  dialog({ title, children: (close) => <Form customer={c} close={close} /> })
}

function Form({ customer: c, close }: { customer: Schemas['Customer']; close: () => void }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const channelName = useChannelName()
  const [name, setName] = useState(c.name)
  const [locale, setLocale] = useState(c.locale)
  const [timezone, setTimezone] = useState(c.timezone)
  const [audience, setAudience] = useState(c.audience)
  const [channel, setChannel] = useState<(typeof channels)[number]>('email')
  const [address, setAddress] = useState('')
  const save = useChange(c.id, close)
  const wrong = fieldErrors(save.error)
  const zones = Intl.supportedValuesOf('timeZone')
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        // A list replaces the addresses of its channel, so those that are known go along.
        const same = c.addresses.filter((a) => a.channel === channel).map((a) => ({ channel, address: a.address, primary: a.primary }))
        save.mutate({ name: name.trim(), locale: locale.trim(), timezone: timezone.trim(), audience: audience as 'customer', addresses: address.trim() ? [...same, { channel, address: address.trim() }] : undefined })
      }}
    >
      <Stack gap="sm">
        <TextInput label={t('new.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} error={wrong.name} data-autofocus />
        <Group grow align="flex-start">
          <TextInput label={t('field.locale')} placeholder="lv, en, pt-BR" value={locale} onChange={(e) => setLocale(e.currentTarget.value)} error={wrong.locale} />
          <Autocomplete label={t('field.timezone')} placeholder="Europe/Riga" data={zones} limit={30} value={timezone} onChange={setTimezone} error={wrong.timezone} />
        </Group>
        <Select label={t('field.audience')} allowDeselect={false} data={audiences.map((a) => ({ value: a, label: t(`audience.${a}`) }))} value={audience} onChange={(a) => setAudience(a!)} />
        <Text size="sm" fw={500}>
          {t('addAddress')}
        </Text>
        <Group gap="xs" align="flex-start" wrap="nowrap" mt={-8}>
          <Select aria-label={t('new.channel')} w={130} allowDeselect={false} data={channels.map((x) => ({ value: x, label: channelName(x) }))} value={channel} onChange={(x) => setChannel(x as typeof channel)} />
          <TextInput flex={1} aria-label={t('new.address')} placeholder={t(`address.hint.${channel}`)} value={address} onChange={(e) => setAddress(e.currentTarget.value)} />
        </Group>
        {save.error && <ProblemAlert error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            {common('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
