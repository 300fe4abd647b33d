import { Badge } from '@mantine/core'
import { IconCheck, IconClock, IconLock, IconPencil, IconPlayerPause, IconPlayerPlay, IconX, type Icon } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Status as S } from './words'

const looks: Record<S, { icon: Icon; color: string }> = {
  draft: { icon: IconPencil, color: 'gray' },
  accepting: { icon: IconPlayerPlay, color: 'rapport' },
  scheduled: { icon: IconClock, color: 'grape' },
  planning: { icon: IconPlayerPlay, color: 'rapport' },
  running: { icon: IconPlayerPlay, color: 'rapport' },
  paused: { icon: IconPlayerPause, color: 'yellow' },
  quarantined: { icon: IconLock, color: 'orange' },
  finished: { icon: IconCheck, color: 'teal' },
  cancelled: { icon: IconX, color: 'gray' },
}

export function Status({ of }: { of: S }) {
  const { t } = useTranslation('campaigns')
  const { icon: Icon, color } = looks[of]
  return (
    <Badge variant="light" color={color} tt="none" fw={550} leftSection={<Icon size={12} stroke={2.2} aria-hidden />}>
      {t(`status.${of}`)}
    </Badge>
  )
}
