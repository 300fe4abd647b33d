import { Button } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Empty } from '../ui/Empty'

export function Lost() {
  const { t } = useTranslation()
  return (
    <Empty icon={IconMapOff} title={t('lost.title')} action={<Button component={Link} to="/">{t('lost.home')}</Button>}>
      {t('lost.about')}
    </Empty>
  )
}
