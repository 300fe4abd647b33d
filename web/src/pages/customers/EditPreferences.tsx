import { Button, Group, MultiSelect, NumberInput, Stack, Switch, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useChannelName } from '../../ui/Channel'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { useRefresh } from './change'
import { dialog } from './dialog'
import { channels } from './FilterBuilder'
import { days } from './filter'
import { useTopics } from './topics'

export function editPreferences(c: Schemas['Customer'], title: string) {
  dialog({ title, children: (close) => <Form customer={c} close={close} /> })
}

function Form({ customer: c, close }: { customer: Schemas['Customer']; close: () => void }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const name = useChannelName()
  const tell = useTell()
  const topics = useTopics()
  const refresh = useRefresh()
  const p = c.preferences
  const [order, setOrder] = useState<string[]>(p.channel_order)
  const [from, setFrom] = useState(p.quiet_hours?.from ?? '')
  const [until, setUntil] = useState(p.quiet_hours?.until ?? '')
  const [max, setMax] = useState<number | string>(p.frequency_cap?.max || '')
  const [per, setPer] = useState(p.frequency_cap?.per ? days(p.frequency_cap.per) : 7)
  const [said, setSaid] = useState(p.topics)
  const save = useMutation({
    mutationFn: () =>
      need(client.PUT('/v1/customers/{id}/preferences', { params: { path: { id: c.id } }, body: { channel_order: order, quiet_hours: { from, until }, frequency_cap: { max: Number(max) || 0, per: `${per * 24}h` }, topics: said } })),
    onSuccess: () => {
      refresh(c.id)
      tell.done(common('saved'))
      close()
    },
  })
  const cells = Object.entries(said).flatMap(([topic, on]) => Object.entries(on).map(([channel, yes]) => ({ topic, channel, yes })))
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="md">
        <MultiSelect label={t('preferences.order')} description={t('preferences.orderAbout')} data={channels.map((x) => ({ value: x, label: name(x) }))} value={order} onChange={setOrder} clearable />
        <Group grow align="flex-end">
          <TextInput type="time" label={t('preferences.quietFrom')} value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
          <TextInput type="time" label={t('preferences.quietUntil')} value={until} onChange={(e) => setUntil(e.currentTarget.value)} />
        </Group>
        <Group grow align="flex-end">
          <NumberInput label={t('preferences.max')} description={t('preferences.maxAbout')} min={0} max={1000} allowDecimal={false} value={max} onChange={setMax} />
          <NumberInput label={t('preferences.per')} min={1} max={365} allowDecimal={false} value={per} onChange={(n) => setPer(Number(n) || 1)} />
        </Group>
        {cells.map((x) => (
          <Switch key={`${x.topic} ${x.channel}`} label={`${x.topic === '*' ? t('topic.every') : topics.title(x.topic)} · ${name(x.channel)}`} checked={x.yes} onChange={(e) => setSaid({ ...said, [x.topic]: { ...said[x.topic], [x.channel]: e.currentTarget.checked } })} />
        ))}
        {save.error && <ProblemAlert error={save.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={!from !== !until}>
            {common('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
