import { IconCheck, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api, type Schemas } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { Loading } from '../../ui/Loading'
import { None } from './None'
import classes from './Panel.module.css'

/** The newest word on each channel and topic is what holds. */
export function Consents({ id }: { id: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const name = useChannelName()
  const query = $api.useQuery('get', '/v1/customers/{id}/consents', { params: { path: { id }, query: { limit: 200 } } })
  return (
    <Answer of={query} loading={<Loading rows={2} height={22} />}>
      {({ data }) => {
        const holds = new Map<string, Schemas['Consent']>()
        for (const c of data) {
          const key = `${c.channel}|${c.purpose}|${c.topic ?? ''}`
          if (!holds.has(key)) holds.set(key, c)
        }
        const channels = new Map<string, Schemas['Consent'][]>()
        for (const c of holds.values()) channels.set(c.channel, [...(channels.get(c.channel) ?? []), c])
        if (channels.size === 0) return <None>{t('panel.noConsents')}</None>
        return (
          <ul className={classes.list}>
            {[...channels].map(([channel, list]) => (
              <li key={channel} className={classes.consents}>
                <ChannelIcon channel={channel} size={18} />
                <span className="visually-hidden">{name(channel)}</span>
                <div>
                  {list.map((c) => (
                    <span key={`${c.purpose}${c.topic}`} className={classes.consent} data-granted={c.granted || undefined} data-pending={c.pending || undefined} title={`${c.source}${c.at ? ` · ${c.at.slice(0, 10)}` : ''}`}>
                      {c.granted ? <IconCheck size={12} aria-hidden /> : <IconX size={12} aria-hidden />}
                      <span className="visually-hidden">{c.granted ? t('panel.yes') : t('panel.no')}: </span>
                      {c.topic || t(`purpose.${c.purpose as 'marketing'}`)}
                    </span>
                  ))}
                </div>
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}

export function Preferences({ preferences: p }: { preferences: Schemas['Preferences'] }) {
  const { t } = useTranslation(['inbox', 'common'])
  const name = useChannelName()
  const off = Object.entries(p.topics ?? {}).flatMap(([topic, on]) => Object.entries(on).filter(([, yes]) => !yes).map(([channel]) => `${topic} · ${name(channel)}`))
  const lines: [string, string][] = []
  if (p.channel_order.length > 0) lines.push([t('panel.order'), p.channel_order.map(name).join(' → ')])
  if (p.quiet_hours) lines.push([t('panel.quiet'), `${p.quiet_hours.from} – ${p.quiet_hours.until}`])
  if (p.frequency_cap) lines.push([t('panel.cap'), `${p.frequency_cap.max} / ${p.frequency_cap.per ?? ''}`])
  if (off.length > 0) lines.push([t('panel.off'), off.join(', ')])
  if (lines.length === 0) return <None>{t('panel.noPreferences')}</None>
  return <Pairs pairs={lines} />
}

export function Attributes({ attributes }: { attributes: unknown }) {
  const { t } = useTranslation(['inbox', 'common'])
  const pairs = Object.entries((attributes ?? {}) as Record<string, unknown>).map(([k, v]): [string, string] => [k, typeof v === 'object' ? JSON.stringify(v) : String(v)])
  return pairs.length === 0 ? <None>{t('panel.noAttributes')}</None> : <Pairs pairs={pairs} />
}

function Pairs({ pairs }: { pairs: [string, string][] }) {
  return (
    <dl className={classes.pairs}>
      {pairs.map(([k, v]) => (
        <div key={k}>
          <dt>{k}</dt>
          <dd>{v}</dd>
        </div>
      ))}
    </dl>
  )
}
