import { useTranslation } from 'react-i18next'

/** The states of a ledger, in its order; they exclude each other and sum to planned. */
export const states = ['pending', 'sending', 'doubtful', 'sent', 'delivered', 'skipped', 'failed', 'expired', 'cancelled', 'unknown'] as const
export type State = (typeof states)[number]

export const statuses = ['draft', 'scheduled', 'planning', 'running', 'paused', 'quarantined', 'finished', 'cancelled'] as const
export type Status = (typeof statuses)[number] | 'accepting'

export const channels = ['email', 'sms', 'whatsapp', 'telegram', 'webhook'] as const

export const intents = ['stop', 'question', 'complaint', 'thanks', 'order', 'other'] as const

/** One colour a state, the same in bars, badges and charts. */
export const stateColor: Record<State, string> = {
  pending: 'gray.4',
  sending: 'rapport.3',
  doubtful: 'orange.4',
  sent: 'rapport.5',
  delivered: 'teal.6',
  skipped: 'gray.6',
  failed: 'red.6',
  expired: 'yellow.6',
  cancelled: 'gray.5',
  unknown: 'orange.7',
}

/** Why a message was not sent, in words; a provider's own word stays as it is. */
export function useReason() {
  const { t, i18n } = useTranslation('campaigns')
  return (reason: string) => {
    const [kind = '', detail] = reason.split(/:\s*(.*)/s) // missing_variable: data.code
    const words = i18n.exists(`campaigns:reason.${kind}`) ? t(`reason.${kind}` as 'reason.no_consent') : kind.replaceAll('_', ' ')
    return detail ? `${words}: ${detail}` : words
  }
}

export function useIntent() {
  const { t, i18n } = useTranslation('campaigns')
  return (intent: string) => (i18n.exists(`campaigns:intent.${intent}`) ? t(`intent.${intent}` as 'intent.question') : intent)
}

/** 30m, 4h: a wait as the API has it, in words. */
export function useWait() {
  const { t } = useTranslation('campaigns')
  return (w: string) => (/^\d+m$/.test(w) ? t('channels.minutes', { count: parseInt(w) }) : /^\d+h$/.test(w) ? t('channels.hours', { count: parseInt(w) }) : w)
}
