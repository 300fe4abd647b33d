import { Anchor, Button, Group, Modal, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { fieldErrors } from '../../api/problem'
import { useSession } from '../../api/session'
import { ChannelBadge } from '../../ui/Channel'
import { ProblemAlert } from '../../ui/Problem'
import type { Variant } from './source'

/** Sends what is saved to one address: the author's own. */
export function TestSend({ opened, onClose, template, variant, data }: { opened: boolean; onClose: () => void; template: string; variant: Variant; data: Record<string, unknown> }) {
  const { t } = useTranslation('templates')
  const { t: common } = useTranslation()
  const { agent, settings } = useSession()
  const [address, setAddress] = useState('')
  const [sandbox, setSandbox] = useState(settings.demo)
  const to = address || (variant.channel === 'email' ? agent.email : '')
  const send = useMutation({ mutationFn: () => need(client.POST('/v1/templates/{key}/test', { params: { path: { key: template } }, body: { channel: variant.channel as 'email', address: to, locale: variant.locale || undefined, data, sandbox } })) })
  const errors = fieldErrors(send.error)
  const m = send.data?.messages?.[0]
  return (
    <Modal opened={opened} onClose={() => { send.reset(); onClose() }} title={t('test.title')} closeButtonProps={{ 'aria-label': common('close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          send.mutate()
        }}
      >
        <Stack>
          <Group gap="xs"><ChannelBadge channel={variant.channel} /><Text size="sm" c="dimmed">{variant.locale || t('anyLanguage')}</Text></Group>
          <TextInput label={t('test.address')} description={t('test.about')} value={to} error={errors.address} onChange={(e) => { setAddress(e.currentTarget.value); send.reset() }} data-autofocus />
          <Switch label={t('test.sandbox')} checked={sandbox} onChange={(e) => setSandbox(e.currentTarget.checked)} />
          {send.error && !errors.address && <ProblemAlert error={send.error} />}
          {send.data && (
            <Text size="sm" role="status">
              {m && m.state === 'skipped' ? t('test.skipped', { reason: m.reason ?? '' }) : t('test.sent')}{' '}
              {(settings.simulator || sandbox) && <Anchor size="sm" component={Link} to="/simulator">{t('test.see')}</Anchor>}
            </Text>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{common('close')}</Button>
            <Button type="submit" loading={send.isPending} disabled={!to}>{t('test.send')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
