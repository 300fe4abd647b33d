import { Button } from '@mantine/core'
import { IconBug, IconCloudOff } from '@tabler/icons-react'
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { isProblem } from '../api/problem'
import { Empty } from '../ui/Empty'
import { ProblemAlert } from '../ui/Problem'
import classes from './Broken.module.css'

/** A page that could not be shown: the API's refusal, a part that did not arrive, or a fault of ours. Nothing that was sent is lost by loading it again. */
export function Broken({ error }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  if (isProblem(error))
    return (
      <div className={classes.box}>
        <ProblemAlert error={error} retry={() => void router.invalidate()} />
      </div>
    )
  // Without the network, or after an update, whose parts have other names.
  const absent = error instanceof TypeError && /import|module/i.test(error.message)
  return (
    <Empty icon={absent ? IconCloudOff : IconBug} title={t(absent ? 'broken.absent' : 'broken.title')} action={<Button onClick={() => location.reload()}>{t('broken.again')}</Button>}>
      {t(absent ? 'broken.absentAbout' : 'broken.about')}
    </Empty>
  )
}
