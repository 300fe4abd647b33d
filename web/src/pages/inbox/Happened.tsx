import { Anchor } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { Answer } from '../../ui/Answer'
import { ChannelIcon } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { When } from '../../ui/When'
import { told, useEventWords } from './EventLine'
import { None } from './None'
import classes from './Panel.module.css'

/** What happened with a customer, the newest first. */
function useHappenings(id: string, limit: number, kind?: 'message') {
  return useQuery({
    queryKey: ['get', '/v1/customers/{id}/timeline', id, limit, kind],
    queryFn: async () => (await need(client.GET('/v1/customers/{id}/timeline', { params: { path: { id }, query: { limit, kinds: kind } } }))) as Schemas['ListHappening'],
  })
}

export function Campaigns({ id }: { id: string }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const query = useHappenings(id, 20, 'message')
  return (
    <Answer of={query} loading={<Loading rows={2} height={22} />}>
      {({ data }) => {
        const got = data.filter((h) => h.campaign_name).slice(0, 6)
        if (got.length === 0) return <None>{t('panel.noCampaigns')}</None>
        return (
          <ul className={classes.list}>
            {got.map((h) => (
              <li key={h.message!.id}>
                <Link to="/campaigns/$id" params={{ id: h.message!.campaign } as never} className={classes.other}>
                  <ChannelIcon channel={h.message!.channel} size={18} />
                  <span>{h.campaign_name}</span>
                  <em>{i18n.exists(`inbox:state.${h.message!.state}`) ? t(`state.${h.message!.state}` as 'state.sent') : h.message!.state}</em>
                </Link>
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}

export function Happenings({ id }: { id: string }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const { money } = useFormat()
  const query = useHappenings(id, 12)
  const words = useEventWords()
  const say = (h: Schemas['Happening']): string => {
    if (h.message) return `${h.campaign_name ?? t('happened.message')} · ${i18n.exists(`inbox:state.${h.message.state}`) ? t(`state.${h.message.state}` as 'state.sent') : h.message.state}`
    if (h.entry) return h.entry.kind === 'event' ? words(h.entry) : h.entry.state === 'cancelled' ? t('event.takenBack', { who: h.entry.author || t('event.somebody') }) : h.entry.text.slice(0, 90)
    if (h.consent) return t(h.consent.granted ? 'happened.consent' : 'happened.withdrawn', { topic: h.consent.topic || h.consent.purpose })
    if (h.event) {
      const p = (h.event.properties ?? {}) as { total?: unknown; currency?: unknown }
      return typeof p.total === 'number' && typeof p.currency === 'string' && /^[A-Z]{3}$/.test(p.currency) ? `${h.event.type} · ${money(p.total, p.currency)}` : h.event.type
    }
    if (h.engagement) return h.engagement.kind
    if (h.call) return t('happened.call')
    return h.report?.kind ?? h.kind
  }
  return (
    <Answer of={query} loading={<Loading rows={4} height={22} />}>
      {({ data }) => (
        <>
          <ol className={classes.timeline}>
            {data.filter(told).map((h, i) => (
              <li key={i}>
                <When at={h.at} as="brief" />
                <span>{say(h)}</span>
              </li>
            ))}
          </ol>
          <Anchor component={Link} to="/customers/$id" params={{ id } as never} size="xs">
            {t('panel.all')}
          </Anchor>
        </>
      )}
    </Answer>
  )
}
