import { Alert, Button, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconAlertTriangle, IconCloudOff } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { problemOf, type Problem } from '../api/problem'

/** What happened in the viewer's language where it has a word of ours, else in the API's. */
function useHeadline() {
  const { t } = useTranslation()
  return (p: Problem) => {
    if (p.status === 0) return t('problem.offline')
    if (p.status >= 500) return t('problem.server')
    if (p.status === 403) return t('problem.forbidden')
    if (p.status === 404) return t('problem.absent')
    if (p.status === 429) return t('problem.often')
    return p.detail || p.title || t('problem.failed')
  }
}

/** What went wrong, in the API's words, with the id that support asks for. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const p = problemOf(error)
  const offline = p.status === 0
  const title = useHeadline()(p)
  return (
    <Alert role="alert" variant="light" color={offline ? 'gray' : 'red'} icon={offline ? <IconCloudOff size={18} /> : <IconAlertTriangle size={18} />} title={title}>
      <Stack gap={6} align="flex-start">
        {offline && <Text size="sm">{t('problem.offlineAbout')}</Text>}
        {p.status >= 500 ? <Text size="sm">{t('problem.serverAbout')}</Text> : !offline && p.detail && p.detail !== title && <Text size="sm">{p.detail}</Text>}
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
  const headline = useHeadline()
  return {
    failed(error: unknown) {
      const p = problemOf(error)
      notifications.show({ color: 'red', closeButtonProps: { 'aria-label': t('close') }, title: p.status === 0 || p.status >= 500 ? headline(p) : t('problem.failed'), message: p.status === 0 ? t('problem.offlineAbout') : p.status >= 500 ? t('problem.serverAbout') : (p.errors?.[0]?.message ?? p.detail ?? headline(p)), autoClose: 8_000 })
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
