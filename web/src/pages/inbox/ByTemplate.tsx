import { Button, Group, ScrollArea, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { newKey } from '../../api/key'
import { need } from '../../api/pages'
import { fieldErrors } from '../../api/problem'
import { ChannelIcon } from '../../ui/Channel'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { Marked } from '../simulator/Marked'
import { valueAt, withValue } from '../campaigns/draft'
import { useWayWords } from './ways'
import classes from './NewThread.module.css'

/** Sends one message by a template to one customer. */
export function ByTemplate({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('inbox')
  const { why } = useWayWords()
  const tell = useTell()
  const queries = useQueryClient()
  const templates = $api.useQuery('get', '/v1/templates', { params: { query: { limit: 500 } } })
  const [key, setKey] = useState<string | null>(null)
  const chosen = templates.data?.data.find((x) => x.key === key)
  const [picked, setPurpose] = useState<'marketing' | 'transactional'>()
  const purpose = picked ?? (chosen?.topic ? 'marketing' : 'transactional') // what has a topic is for those who want it
  const variables = (chosen?.required ?? []).filter((v) => v.startsWith('data.')).map((v) => v.slice(5))
  const [typed, setTyped] = useState<Record<string, unknown>>({})
  const [data] = useDebouncedValue(typed, 300)
  const missing = variables.filter((v) => valueAt(typed, v).trim() === '')
  const [once, setOnce] = useState(newKey) // the same press never sends twice
  const dry = useQuery({
    queryKey: ['write', c.id, key, purpose, data],
    enabled: key !== null && missing.length === 0,
    gcTime: 0,
    retry: false,
    queryFn: () => need(client.POST('/v1/messages', { body: { template: key!, purpose, to: { id: c.id, data }, settings: { dry_run: true } } })),
  })
  const channel = dry.data?.messages?.[0]?.channel
  const shown = useQuery({
    queryKey: ['write', 'preview', c.id, key, purpose, channel, data],
    enabled: !!key && missing.length === 0 && !!channel && channel !== 'none',
    retry: false,
    queryFn: () => need(client.POST('/v1/templates/{key}/preview', { params: { path: { key: key! } }, body: { channel: channel as 'email', customer: c.id, purpose, data } })),
  })
  const send = useMutation({
    mutationFn: () => need(client.POST('/v1/messages', { params: { header: { 'Idempotency-Key': once } }, body: { template: key!, purpose, to: { id: c.id, data: typed } } })),
    onSuccess: (r) => {
      setOnce(newKey())
      const m = r.messages?.[0]
      void queries.invalidateQueries({ queryKey: ['customer', c.id] })
      setKey(null)
      tell.done(m?.state === 'skipped' ? t('byTemplate.skipped', { why: why(m.reason ?? '') }) : t('byTemplate.sent'))
    },
  })
  const first = dry.data?.messages?.[0]
  const errors = fieldErrors(dry.error)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        send.mutate()
      }}
    >
      <Stack gap="md" maw={620}>
        <Select label={t('byTemplate.template')} placeholder={t('byTemplate.templateHint')} searchable data={templates.data?.data?.map((x) => x.key) ?? []} value={key} onChange={(v) => { setKey(v); setPurpose(undefined) }} nothingFoundMessage={t('byTemplate.noTemplates')} />
        <div>
          <SegmentedControl aria-label={t('byTemplate.purpose')} value={purpose} onChange={(v) => setPurpose(v as typeof purpose)} data={[{ value: 'transactional', label: t('purpose.transactional') }, { value: 'marketing', label: t('purpose.marketing') }]} />
          <Text size="xs" c="dimmed" mt={4}>
            {t(`byTemplate.about.${purpose}`)}
          </Text>
        </div>
        {variables.length > 0 && (
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            {variables.map((v) => <TextInput key={v} label={v} required value={valueAt(typed, v)} onChange={(e) => setTyped(withValue(typed, v, e.currentTarget.value))} error={errors[`data.${v}`] ?? errors[`to.data.${v}`]} />)}
          </SimpleGrid>
        )}
        {key && missing.length === 0 && (
          <ScrollArea.Autosize mah={340} viewportProps={{ tabIndex: 0 }} className={classes.preview} component="section" aria-label={t('byTemplate.preview')} aria-live="polite">
            {dry.error ? (
              <ProblemAlert error={dry.error} />
            ) : !first ? (
              <Loading rows={3} height={24} />
            ) : first.state === 'skipped' ? (
              <Text>{t('byTemplate.wouldSkip', { why: why(first.reason ?? '') })}</Text>
            ) : (
              <>
                <Group gap="xs" mb="xs">
                  <ChannelIcon channel={first.channel} />
                  <Text fw={600}>{shown.data?.subject}</Text>
                </Group>
                {shown.error ? <ProblemAlert error={shown.error} /> : <Text size="sm" className={classes.words}>{channel === 'telegram' ? <Marked text={shown.data?.text ?? ''} /> : shown.data?.text}</Text>}
              </>
            )}
          </ScrollArea.Autosize>
        )}
        {send.error && <ProblemAlert error={send.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={send.isPending} disabled={!key || missing.length > 0 || !first || first.state === 'skipped'}>
            {t('byTemplate.act')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
