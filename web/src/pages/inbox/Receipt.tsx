import { Loader, Popover, Stack, Text, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconChecks, IconClock, IconEye, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { Loading } from '../../ui/Loading'
import { When } from '../../ui/When'
import classes from './Entry.module.css'

const good = new Set(['pending', 'sending', 'scheduled', 'sent', 'delivered'])

/** How a message of ours fares, as ticks; a click tells its whole story, with the provider's words. */
export function Receipt({ state, reason, message }: { state: string; reason?: string; message?: string }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const word = i18n.exists(`inbox:state.${state}`) ? t(`state.${state}` as 'state.sent') : state
  const bad = !good.has(state)
  const icon =
    state === 'pending' || state === 'scheduled' ? <IconClock size={14} aria-hidden /> : state === 'sending' ? <Loader size={12} aria-hidden /> : state === 'sent' ? <IconCheck size={15} aria-hidden /> : state === 'delivered' ? <IconChecks size={15} aria-hidden /> : state === 'cancelled' ? <IconX size={14} aria-hidden /> : <IconAlertTriangle size={14} aria-hidden />
  const face = (
    <>
      {icon}
      {bad ? <span>{word}{reason ? `: ${reasonWord(reason, t as never, i18n.exists.bind(i18n))}` : ''}</span> : <span className="visually-hidden">{word}</span>}
    </>
  )
  if (!message) return <span className={classes.receipt} data-state={state}>{face}</span>
  return (
    <Popover position="top-end" width={320} withArrow shadow="md" withinPortal>
      <Popover.Target>
        <UnstyledButton className={classes.receipt} data-state={state} data-bad={bad || undefined} title={word}>
          {face}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Story id={message} state={word} />
      </Popover.Dropdown>
    </Popover>
  )
}

function reasonWord(reason: string, t: (key: string) => string, exists: (key: string) => boolean) {
  return exists(`inbox:reason.${reason}`) ? t(`reason.${reason}`) : reason.replaceAll('_', ' ')
}

function Story({ id, state }: { id: string; state: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const query = $api.useQuery('get', '/v1/messages/{id}', { params: { path: { id } } }, { staleTime: 2_000 })
  return (
    <Answer of={query} loading={<Loading rows={2} height={20} />}>
      {(m) => (
        <Stack gap={6}>
          <Text size="sm" fw={600}>
            {state}
          </Text>
          {m.attempts.map((a, i) => (
            <div key={i}>
              <Text size="xs" c="dimmed">
                {t('receipt.attempt', { n: a.attempt, provider: a.provider })} · <When at={a.at} as="full" />
              </Text>
              {(a.code || a.detail || a.verdict !== 'accepted') && (
                <Text size="sm" className={classes.breaks}>
                  {[a.code, a.detail || a.reason].filter(Boolean).join(' · ')}
                </Text>
              )}
            </div>
          ))}
          {m.receipts.map((r, i) => (
            <div key={i}>
              <Text size="xs" c="dimmed">
                {r.kind} · <When at={r.at} as="full" />
              </Text>
              {(r.code || r.detail) && (
                <Text size="sm" className={classes.breaks}>
                  {[r.code, r.detail].filter(Boolean).join(' · ')}
                </Text>
              )}
            </div>
          ))}
          {m.engagements.map((g) => (
            <Text key={g.kind} size="xs" c="dimmed">
              <IconEye size={12} aria-hidden /> {g.kind} · <When at={g.first_at} as="full" />
            </Text>
          ))}
          {m.address && (
            <Text size="xs" c="dimmed" className={classes.breaks}>
              {t('receipt.to', { address: m.address })}
            </Text>
          )}
        </Stack>
      )}
    </Answer>
  )
}
