import { Alert, Button, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconAlertTriangle, IconCloudOff } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { problemOf } from '../api/problem'

/** What went wrong, in the API's words, with the id that support asks for. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const p = problemOf(error)
  const offline = p.status === 0
  return (
    <Alert role="alert" variant="light" color={offline ? 'gray' : 'red'} icon={offline ? <IconCloudOff size={18} /> : <IconAlertTriangle size={18} />} title={offline ? t('problem.offline') : (p.detail ?? p.title)}>
      <Stack gap={6} align="flex-start">
        {offline && <Text size="sm">{t('problem.offlineAbout')}</Text>}
        {p.errors?.map((e, i) => (
          <Text size="sm" key={i}>
            <code>{e.path ?? e.location}</code> {e.message}
          </Text>
        ))}
        {p.request_id && (
          <Text size="xs" c="dimmed">
            {t('problem.id', { id: p.request_id })}
          </Text>
        )}
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            {t('problem.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

/** The same for an act that has no place of its own on the page. */
export function useTell() {
  const { t } = useTranslation()
  return {
    failed(error: unknown) {
      const p = problemOf(error)
      notifications.show({ color: 'red', closeButtonProps: { 'aria-label': t('close') }, title: p.status === 0 ? t('problem.offline') : t('problem.failed'), message: p.status === 0 ? t('problem.offlineAbout') : (p.errors?.[0]?.message ?? p.detail ?? p.title), autoClose: 8_000 })
    },
    done(message: string, undo?: () => void) {
      const id = notifications.show({
        closeButtonProps: { 'aria-label': t('close') },
        message: undo ? (
          <span>
            {message}{' '}
            <Button
              size="compact-xs"
              variant="subtle"
              onClick={() => {
                notifications.hide(id)
                undo()
              }}
            >
              {t('undo')}
            </Button>
          </span>
        ) : (
          message
        ),
        autoClose: undo ? 8_000 : 4_000,
      })
    },
  }
}
