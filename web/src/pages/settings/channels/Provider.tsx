import { Alert, Button, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconLock, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { useChannelName } from '../../../ui/Channel'
import { confirm } from '../../../ui/confirm'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Copy } from '../kit/Copy'
import { Refusal } from '../kit/Dialog'
import { useTick } from '../kit/tick'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { useDriverWords } from './driver'
import { Health, Numbers, Trouble } from './ProviderList'
import { isValues, SettingField, type Values } from './SettingField'
import { TestSend } from './TestSend'

type Driver = Schemas['DriverView']
type View = Schemas['ProviderView']
type Channel = Schemas['ProviderInput']['channel']

const useDrivers = () => usePages(['drivers'], (cursor) => need(client.GET('/v1/drivers', { params: { query: { cursor, limit: 100 } } })), { idOf: (d) => d.name })

export function NewProvider() {
  const { t } = useWords()
  const drivers = useDrivers()
  return (
    <Page title={t('providers.new')} crumbs={[{ label: t('sections.providers'), to: '/settings/providers' }]}>
      <Answer of={drivers}>{() => <Form drivers={drivers.rows} />}</Answer>
    </Page>
  )
}

export function Provider({ name }: { name: string }) {
  const { t } = useWords()
  const can = useCan()('write:providers')
  const go = useNavigate()
  const drivers = useDrivers()
  const one = useQuery({ queryKey: ['providers', name], queryFn: () => need(client.GET('/v1/providers/{name}', { params: { path: { name } } })) })
  useTick(one.refetch, 10_000)
  const remove = useAct(() => need(client.DELETE('/v1/providers/{name}', { params: { path: { name } } })), { refresh: ['providers', 'session'], said: t('providers.removed', { name }), then: () => go({ to: '/settings/providers' as never }) })
  return (
    <Page
      title={name}
      crumbs={[{ label: t('sections.providers'), to: '/settings/providers' }]}
      actions={
        can &&
        one.data?.read_only === false && (
          <Button variant="subtle" color="red" leftSection={<IconTrash size={16} />} loading={remove.isPending} onClick={() => confirm({ title: t('providers.remove', { name }), about: t('providers.removeAsk'), act: t('common:delete'), typed: name, onYes: () => remove.mutate(undefined) })}>
            {t('common:delete')}
          </Button>
        )
      }
    >
      <Answer of={one}>
        {(p) => (
          <>
            <Block title={t('providers.status')} about={t('providers.statusAbout')}>
              <Status of={p} callback={drivers.rows.find((d) => d.name === p.driver)?.callback} />
            </Block>
            {can && (
              <Block title={t('providers.test')} about={t('providers.testAbout')}>
                <TestSend provider={p} />
              </Block>
            )}
            <Answer of={drivers}>{() => <Form drivers={drivers.rows} provider={p} />}</Answer>
          </>
        )}
      </Answer>
    </Page>
  )
}

function Status({ of: p, callback }: { of: View; callback?: string }) {
  const { t, word } = useWords()
  const { inbound } = p.status
  const address = callback?.replace('{name}', p.name)
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Health of={p} />
        <Text size="sm">
          <Numbers of={p} />
        </Text>
      </Group>
      {p.status.paused_until && (
        <Text size="sm">
          {t('providers.pausedUntil')} <When at={p.status.paused_until} />
        </Text>
      )}
      <Trouble of={p} />
      {(p.status.breaker === 'open' || p.status.breaker === 'trying') && (
        <Text size="sm" c="dimmed">
          {t(`breakerAbout.${p.status.breaker}`)} {p.status.last_error?.verdict === 'misconfigured' && !p.read_only && t('mendSettings')}
        </Text>
      )}
      <Text size="sm">
        {t('providers.inbound')}: {word('inbound', inbound.by)}
        {inbound.last_at && (
          <>
            {' · '}
            {t('providers.lastIn')} <When at={inbound.last_at} />
          </>
        )}
        {inbound.checked_at && (
          <>
            {' · '}
            {t('providers.checked')} <When at={inbound.checked_at} />
          </>
        )}
      </Text>
      {address && inbound.by === 'callback' && (
        <Group gap={4} wrap="nowrap">
          <span className={kit.mono}>{address}</span>
          <Copy text={address} small label={t('providers.copyCallback')} />
        </Group>
      )}
    </Stack>
  )
}

/** Everything that can be set about a provider; of one from the configuration file it only shows. */
function Form({ drivers, provider }: { drivers: Driver[]; provider?: View }) {
  const { t } = useWords()
  const can = useCan()('write:providers')
  const go = useNavigate()
  const channelName = useChannelName()
  const { nameOf } = useDriverWords()
  const [name, setName] = useState(provider?.name ?? '')
  const [driverName, setDriver] = useState(provider?.driver ?? drivers[0]?.name ?? '')
  const driver = drivers.find((d) => d.name === driverName)
  const [channel, setChannel] = useState<string>(provider?.channel ?? driver?.channels[0] ?? 'email')
  const [priority, setPriority] = useState<number>(provider?.priority ?? 0)
  const [rate, setRate] = useState<number>(provider?.rate ?? 0)
  const [settings, setSettings] = useState<Values>(isValues(provider?.settings) ? provider.settings : {})
  const [tries, setTries] = useState(0)
  const save = useAct(() => need(client.PUT('/v1/providers/{name}', { params: { path: { name } }, body: { driver: driverName, channel: channel as Channel, priority, rate, settings } })), {
    quiet: true,
    refresh: ['providers', 'domains', 'system', 'session'],
    said: t('common:saved'),
    then: (p) => (provider ? setSettings(isValues(p.settings) ? p.settings : {}) : go({ to: '/settings/$section/$item', params: { section: 'providers', item: p.name } })),
  })
  const wrong = fieldErrors(save.error)
  const known = new Set(['name', 'driver', 'channel', 'priority', 'rate'])
  const placed = (s: Schemas['SettingView']): string[] => (s.settings ? s.settings.flatMap(placed) : [`settings.${s.path}`, s.path])
  const fields = [...known, ...(driver?.settings.flatMap(placed) ?? [])]
  const disabled = !can || provider?.read_only
  // Fields that are folded away cannot be shown by the browser's own check; the server's refusal unfolds them.
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate(undefined, { onError: () => setTries((n) => n + 1) })
      }}
    >
      <Block title={t('providers.what')} about={t('providers.whatAbout')}>
        <Stack>
          {provider?.read_only && (
            <Alert variant="light" color="gray" icon={<IconLock size={18} />}>
              {t('providers.readOnlyAbout')}
            </Alert>
          )}
          {!can && !provider?.read_only && (
            <Alert variant="light" color="gray" icon={<IconLock size={18} />}>
              {t('mayNot')}
            </Alert>
          )}
          {!provider && (
            <>
              <Select
                label={t('providers.driver')}
                allowDeselect={false}
                value={driverName}
                error={wrong.driver}
                data={drivers.map((d) => ({ value: d.name, label: nameOf(d.name) }))}
                onChange={(v) => {
                  if (!v) return
                  setDriver(v)
                  setChannel(drivers.find((d) => d.name === v)?.channels[0] ?? channel)
                  setSettings({})
                }}
              />
              <TextInput label={t('providers.name')} description={t('providers.nameAbout')} required value={name} error={wrong.name} onChange={(e) => setName(e.currentTarget.value)} autoComplete="off" />
            </>
          )}
          <Select label={t('providers.channel')} allowDeselect={false} value={channel} error={wrong.channel} disabled={disabled || (driver?.channels.length ?? 0) < 2} data={(driver?.channels ?? [channel]).map((value) => ({ value, label: channelName(value) }))} onChange={(v) => v && setChannel(v)} />
          <Group grow align="flex-start">
            <NumberInput label={t('providers.priority')} description={t('providers.priorityAbout')} value={priority} error={wrong.priority} disabled={disabled} min={0} onChange={(v) => setPriority(Number(v))} />
            <NumberInput label={t('providers.rateLabel')} description={t('providers.rateAbout')} value={rate} error={wrong.rate} disabled={disabled} min={0} onChange={(v) => setRate(Number(v))} />
          </Group>
        </Stack>
      </Block>
      <Block title={t('providers.settings')} about={driver ? t('providers.settingsAbout') : undefined}>
        <Stack key={`${driverName}-${tries}`}>
          {driver?.settings.length === 0 && <Text c="dimmed">{t('providers.noSettings')}</Text>}
          {driver?.settings.map((s) => (
            <SettingField
              key={s.path}
              driver={driver.name}
              of={s}
              value={settings[s.name]}
              errors={wrong}
              disabled={disabled}
              onChange={(v) =>
                setSettings((old) => {
                  const next = { ...old, [s.name]: v }
                  if (v === undefined) delete next[s.name]
                  return next
                })
              }
            />
          ))}
          <Refusal error={save.error} fields={fields} />
          {!disabled && (
            <Group>
              <Button type="submit" loading={save.isPending}>
                {provider ? t('common:save') : t('providers.create')}
              </Button>
            </Group>
          )}
        </Stack>
      </Block>
    </form>
  )
}
