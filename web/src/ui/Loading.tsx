import { Skeleton, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** Grey lines in the place of what is coming; said aloud once. */
export function Loading({ rows = 6, height = 44 }: { rows?: number; height?: number }) {
  const { t } = useTranslation()
  return (
    <Stack gap="xs" role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={height} radius="md" />
      ))}
    </Stack>
  )
}
