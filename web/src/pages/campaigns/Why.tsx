import { Badge, Loader, Text, Title } from '@mantine/core'
import { IconArrowRight, IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { $api, type Schemas } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { ChannelBadge } from '../../ui/Channel'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { CustomerPick } from './CustomerPick'
import { Person } from './Person'
import classes from './Why.module.css'
import { useReason, type State } from './words'

/** Why a customer got it, or did not: each rule in order with the facts that it sees, and what the ledger holds. */
export function Why({ campaign, customer, onCustomer }: { campaign: string; customer: string; onCustomer: (id: string) => void }) {
  const { t } = useTranslation('campaigns')
  return (
    <div className={classes.all}>
      <CustomerPick label={t('explain.who')} value={customer} onChange={onCustomer} />
      {customer ? <Explained campaign={campaign} customer={customer} /> : <Empty icon={IconHelpCircle} title={t('explain.title')}>{t('explain.about')}</Empty>}
    </div>
  )
}

function Explained({ campaign, customer }: { campaign: string; customer: string }) {
  const { t, i18n } = useTranslation('campaigns')
  const format = useFormat()
  const reason = useReason()
  const asked = $api.useQuery('get', '/v1/campaigns/{id}/explain', { params: { path: { id: campaign }, query: { customer } } }, { staleTime: 0 })
  const says = useSays()
  const rule = (r: string) => (i18n.exists(`campaigns:rule.${r}`) ? t(`rule.${r}` as 'rule.consent') : r)
  return (
    <Answer of={asked} loading={<Loader size="sm" mt="lg" />}>
      {(x) => (
        <div className={classes.columns}>
          <section aria-labelledby="rules">
            <Title order={2} id="rules" mb={4}>{t('explain.rules')}</Title>
            <Text size="sm" c="dimmed" mb="sm">{t('explain.rulesAbout')}</Text>
            <ol className={classes.rules}>
              {x.rules?.map((r, i) => (
                <li key={i} data-passed={r.passed || undefined}>
                  {r.passed ? <IconCircleCheck size={18} stroke={1.8} aria-label={t('explain.passed')} /> : <IconCircleX size={18} stroke={1.8} aria-label={t('explain.stopped')} />}
                  <div>
                    <span className={classes.rule}>{rule(r.rule)}</span> {r.channel && <ChannelBadge channel={r.channel} />}
                    <Text size="sm" c="dimmed">{says(r)}</Text>
                  </div>
                </li>
              ))}
            </ol>
          </section>
          <div className={classes.side}>
            <section aria-labelledby="held">
              <Title order={3} id="held" mb={6}>{t('explain.ledger')}</Title>
              {x.messages?.length === 0 && <Text size="sm" c="dimmed">{t('explain.notPlanned')}</Text>}
              {x.messages?.map((m) => (
                <div key={m.id} className={classes.line}>
                  <ChannelBadge channel={m.channel} />
                  <span>{t(`state.${m.state as State}`)}</span>
                  {m.reason && <Text size="sm" c="dimmed">{reason(m.reason)}</Text>}
                </div>
              ))}
            </section>
            <section aria-labelledby="would">
              <Title order={3} id="would" mb={6}>{t('explain.would')}</Title>
              {x.would?.map((o, i) => (
                <div key={i} className={classes.line}>
                  <ChannelBadge channel={o.channel} />
                  <Badge variant="light" color={o.send ? 'teal' : 'gray'} tt="none" leftSection={o.send ? <IconArrowRight size={12} aria-hidden /> : undefined}>{o.send ? t('explain.send') : t('explain.skip')}</Badge>
                  {o.reason && <Text size="sm" c="dimmed">{reason(o.reason)}</Text>}
                  {o.due_at && <Text size="sm" c="dimmed">{format.full(o.due_at)}</Text>}
                </div>
              ))}
            </section>
            <Text size="sm" c="dimmed">{t('explain.profile')} <Person id={x.customer} /></Text>
          </div>
        </div>
      )}
    </Answer>
  )
}

/** What a rule saw, in the reader's language; in the server's words where there are none yet. */
function useSays() {
  const { t, i18n } = useTranslation('campaigns')
  const format = useFormat()
  const word = (group: string, key: string | undefined) => (key && i18n.exists(`campaigns:${group}.${key}`) ? t(`${group}.${key}` as 'off.stop') : (key ?? ''))
  return (r: Schemas['Rule']): string => {
    const f = r.facts ?? {}
    const kind = r.rule === 'topic_policy' && !f.policy ? 'free' : r.rule === 'address' && !r.passed && !f.off ? 'none' : r.passed ? 'passed' : 'stopped'
    const key = `says.${r.rule}.${kind}`
    if (!i18n.exists(`campaigns:${key}`)) return r.detail
    const values = { ...f, reason: word('off', f.reason ?? f.off), policy: word('policy', f.policy), at: f.at ? format.full(f.at) : '', expiry: f.expiry ? format.full(f.expiry) : '', per: f.per ? span(f.per, i18n.language) : '' }
    return t(key as 'says.suppression.stopped', values)
  }
}

/** 168h as people say it: 7 days. */
function span(duration: string, language: string): string {
  const hours = Number(/^(\d+)h$/.exec(duration)?.[1])
  if (!hours) return duration
  const days = hours % 24 === 0
  return new Intl.NumberFormat(language, { style: 'unit', unit: days ? 'day' : 'hour', unitDisplay: 'long' }).format(days ? hours / 24 : hours)
}
