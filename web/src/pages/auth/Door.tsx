import { SegmentedControl, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { languages, speak, type Language } from '../../i18n'
import { useTitle } from '../../ui/Page'
import classes from './Door.module.css'

/** What stands around every form before the sign-in. */
export function Door({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  const { t, i18n } = useTranslation('auth')
  useTitle(title)
  return (
    <main className={classes.door}>
      <div className={classes.card}>
        <div className={classes.logo}>
          <img src="/favicon.svg" alt="" width={34} height={34} />
          <span>Rapport</span>
        </div>
        <Stack gap="md">
          <div>
            <Title order={1}>{title}</Title>
            {about && (
              <Text c="dimmed" size="sm" mt={4}>
                {about}
              </Text>
            )}
          </div>
          {children}
        </Stack>
      </div>
      <SegmentedControl size="xs" aria-label={t('language')} value={i18n.language} onChange={(l) => void speak(l as Language)} data={Object.entries(languages).map(([value, label]) => ({ value, label }))} />
    </main>
  )
}
