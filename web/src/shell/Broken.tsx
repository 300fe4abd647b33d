import { Button } from '@mantine/core'
import { IconBug } from '@tabler/icons-react'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { isProblem } from '../api/problem'
import { Empty } from '../ui/Empty'
import { ProblemAlert } from '../ui/Problem'

/** A page that could not be shown: the API's refusal, or a fault of ours. Nothing that was sent is lost by loading it again. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  if (isProblem(error)) return <ProblemAlert error={error} retry={reset} />
  return (
    <Empty icon={IconBug} title={t('broken.title')} action={<Button onClick={() => location.reload()}>{t('broken.again')}</Button>}>
      {t('broken.about')}
    </Empty>
  )
}
