import { Alert, Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core'
import { IconRocket } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { campaignQuery, type Campaign } from './campaign'
import { useEstimate, willSend, willSkip } from './estimate'
import { useFacts } from './facts'
import classes from './Launch.module.css'

/** The last look before it goes out: what, to whom, when, for how much. */
export function Launch({ campaign: c, version, opened, onClose }: { campaign: Campaign; version: number; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('campaigns')
  const { t: common } = useTranslation()
  const format = useFormat()
  const name = useChannelName()
  const tell = useTell()
  const go = useNavigate()
  const queries = useQueryClient()
  const asked = useEstimate(c.id, version, opened)
  const e = asked.data
  const start = useMutation({
    mutationFn: () => need(client.POST('/v1/campaigns/{id}/launch', { params: { path: { id: c.id } } })),
    onSuccess: async (now) => {
      // Not the answer: a short campaign has been finished before it arrives, and was told so by an event.
      await queries.invalidateQueries({ queryKey: campaignQuery(c.id).queryKey })
      void queries.invalidateQueries({ queryKey: ['campaigns'] })
      onClose()
      await go({ to: '/campaigns/$id', params: { id: c.id } })
      tell.done(now.status === 'scheduled' ? t('launch.scheduled') : t('launch.done'))
    },
  })
  const send = e ? willSend(e) : 0
  const amount = e?.costs.reduce((sum, x) => sum + x.amount, 0) ?? 0
  const rows = useFacts(c)
  if (e) {
    rows.push([t('launch.channels'), Object.entries(e.channels).filter(([, n]) => n > 0).map(([ch, n]) => `${name(ch)} ${format.number(n)}`).join(', ') || '–'])
    rows.push([t('dry.skipped'), format.number(willSkip(e) + e.refused)])
    if (e.currency) rows.push([t('dry.cost'), format.money(amount, e.currency)])
  }
  return (
    <Modal opened={opened} onClose={onClose} title={t('launch.title', { name: c.name || t('untitled') })} closeButtonProps={{ 'aria-label': common('close') }}>
      <Stack>
        {!e && !asked.error && <Skeleton height={64} />}
        {asked.error && !e && <ProblemAlert error={asked.error} retry={() => void asked.refetch()} />}
        {e && (
          <Text className={classes.big}>
            {t('launch.send', { count: send, n: format.number(send) })}
            {!e.complete && <Text span size="sm" c="dimmed"> {t('dry.part', { n: format.number(e.examined) })}</Text>}
          </Text>
        )}
        <dl className={classes.facts}>
          {rows.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {e && send === 0 && <Alert color="yellow" variant="light">{t('launch.nobody')}</Alert>}
        {start.error && <ProblemAlert error={start.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>{common('cancel')}</Button>
          <Button leftSection={<IconRocket size={16} />} loading={start.isPending} disabled={!e} onClick={() => start.mutate()}>{c.send_at ? t('launch.scheduleNow') : t('launch.now')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
