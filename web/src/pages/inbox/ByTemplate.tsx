import { Button, Group, ScrollArea, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { newKey } from '../../api/key'
import { need } from '../../api/pages'
import { ChannelIcon } from '../../ui/Channel'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
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
  const [purpose, setPurpose] = useState<'marketing' | 'transactional'>('transactional')
  const [once, setOnce] = useState(newKey) // the same press never sends twice
  const dry = useQuery({
    queryKey: ['write', c.id, key, purpose],
    enabled: key !== null,
    gcTime: 0,
    retry: false,
    queryFn: () => need(client.POST('/v1/messages', { body: { template: key!, purpose, to: { id: c.id }, settings: { dry_run: true } } })),
  })
  const channel = dry.data?.messages?.[0]?.channel
  const shown = useQuery({
    queryKey: ['write', 'preview', c.id, key, purpose, channel],
    enabled: !!key && !!channel && channel !== 'none',
    retry: false,
    queryFn: () => need(client.POST('/v1/templates/{key}/preview', { params: { path: { key: key! } }, body: { channel: channel as 'email', customer: c.id, purpose } })),
  })
  const send = useMutation({
    mutationFn: () => need(client.POST('/v1/messages', { params: { header: { 'Idempotency-Key': once } }, body: { template: key!, purpose, to: { id: c.id } } })),
    onSuccess: (r) => {
      setOnce(newKey())
      const m = r.messages?.[0]
      void queries.invalidateQueries({ queryKey: ['customer', c.id] })
      setKey(null)
      tell.done(m?.state === 'skipped' ? t('byTemplate.skipped', { why: why(m.reason ?? '') }) : t('byTemplate.sent'))
    },
  })
  const first = dry.data?.messages?.[0]
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        send.mutate()
      }}
    >
      <Stack gap="md" maw={620}>
        <Select label={t('byTemplate.template')} placeholder={t('byTemplate.templateHint')} searchable data={templates.data?.data?.map((x) => x.key) ?? []} value={key} onChange={setKey} nothingFoundMessage={t('byTemplate.noTemplates')} />
        <div>
          <SegmentedControl aria-label={t('byTemplate.purpose')} value={purpose} onChange={(v) => setPurpose(v as typeof purpose)} data={[{ value: 'transactional', label: t('purpose.transactional') }, { value: 'marketing', label: t('purpose.marketing') }]} />
          <Text size="xs" c="dimmed" mt={4}>
            {t(`byTemplate.about.${purpose}`)}
          </Text>
        </div>
        {key && (
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
                {shown.error ? <ProblemAlert error={shown.error} /> : <Text size="sm" className={classes.words}>{shown.data?.text}</Text>}
              </>
            )}
          </ScrollArea.Autosize>
        )}
        {send.error && <ProblemAlert error={send.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={send.isPending} disabled={!key || !first || first.state === 'skipped'}>
            {t('byTemplate.act')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
