import { Badge, ThemeIcon } from '@mantine/core'
import { IconBrandTelegram, IconBrandWhatsapp, IconMail, IconMessage, IconMessageOff, IconPhone, IconWebhook, type Icon } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

const looks: Record<string, { icon: Icon; color: string }> = {
  email: { icon: IconMail, color: 'rapport' },
  sms: { icon: IconMessage, color: 'teal' },
  telegram: { icon: IconBrandTelegram, color: 'cyan' },
  whatsapp: { icon: IconBrandWhatsapp, color: 'green' },
  webhook: { icon: IconWebhook, color: 'grape' },
  phone: { icon: IconPhone, color: 'orange' },
}
const other = { icon: IconMessageOff, color: 'gray' }

/** The names of channels in the viewer's language; a channel that this build does not know keeps its own. */
export function useChannelName() {
  const { t, i18n } = useTranslation()
  return (channel: string) => (i18n.exists(`channel.${channel}`) ? t(`channel.${channel}` as 'channel.email') : channel)
}

export function ChannelIcon({ channel, size = 22 }: { channel: string; size?: number }) {
  const name = useChannelName()
  const { icon: Icon, color } = looks[channel] ?? other
  return (
    <ThemeIcon size={size} radius="sm" variant="light" color={color} role="img" aria-label={name(channel)} title={name(channel)}>
      <Icon size={size * 0.64} stroke={1.8} />
    </ThemeIcon>
  )
}

export function ChannelBadge({ channel }: { channel: string }) {
  const name = useChannelName()
  const { icon: Icon, color } = looks[channel] ?? other
  return (
    <Badge variant="light" color={color} tt="none" fw={500} leftSection={<Icon size={12} aria-hidden />}>
      {name(channel)}
    </Badge>
  )
}
