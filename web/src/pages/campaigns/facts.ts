import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import type { Campaign } from './campaign'
import { useWait } from './words'

/** What a draft says, for whoever reads it: label and words. */
export function useFacts(c: Campaign): [string, string][] {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const name = useChannelName()
  const wait = useWait()
  const method = c.routing.method ?? 'preferred'
  const zone = !c.send_window?.timezone || c.send_window.timezone === 'recipient' ? t('launch.zone') : c.send_window.timezone
  const rows: [string, string | undefined | false][] = [
    [t('launch.audience'), c.everyone ? t('audience.everyone') : c.segment ? t('audience.segment', { key: c.segment.key }) : t('audience.count', { count: c.counts?.audience ?? 0, n: format.number(c.counts?.audience ?? 0) })],
    [t('launch.template'), c.template && [c.template, c.template_version && t('version', { n: c.template_version })].filter(Boolean).join(' · ')],
    [t('launch.purpose'), [t(`purpose.${c.purpose as 'marketing'}`), c.topic].filter(Boolean).join(' · ')],
    [t('launch.how'), [t(`channels.${method}`), (c.routing.channels ?? []).map(name).join(', '), method === 'fallback' && c.routing.escalate_after && t('launch.wait', { time: wait(c.routing.escalate_after) })].filter(Boolean).join(' · ')],
    [t('launch.when'), c.send_at ? format.full(c.send_at) : t('schedule.now')],
    [t('schedule.window'), c.send_window && [`${c.send_window.from}–${c.send_window.until}`, (c.send_window.days ?? []).map((d) => t(`schedule.${d as 'mon'}`)).join(', '), zone].filter(Boolean).join(' · ')],
    [t('schedule.expiresAt'), c.expires_at && format.full(c.expires_at)],
  ]
  return rows.filter((r): r is [string, string] => !!r[1])
}
