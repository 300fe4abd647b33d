import { ActionIcon, Badge, Text, Title } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { useCan } from '../../api/session'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import classes from './Customer.module.css'
import { editAttributes } from './EditAttributes'
import { editCustomer } from './EditCustomer'
import { editPreferences } from './EditPreferences'
import { days } from './filter'
import { useTopics } from './topics'
import { useCode } from './words'

/** What is known of a customer beside what happened. */
export function Side({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('customers')
  const code = useCode()
  const name = useChannelName()
  const format = useFormat()
  const topics = useTopics()
  const p = c.preferences
  const off = Object.entries(p.topics).flatMap(([topic, on]) => Object.entries(on).map(([channel, yes]) => ({ topic, channel, yes })))
  const attributes = Object.entries((c.attributes ?? {}) as Record<string, unknown>)
  return (
    <aside className={classes.side} aria-label={t('side.label')}>
      <Part title={t('side.addresses')} edit={t('act.edit')} onEdit={() => editCustomer(c, t('act.edit'))}>
        {c.addresses.length === 0 && <None>{t('side.noAddresses')}</None>}
        <ul className={classes.list}>
          {c.addresses.map((a) => (
            <li key={a.id} className={classes.address}>
              <ChannelIcon channel={a.channel} />
              <span>
                {a.address}
                {a.off && <div className={classes.off}>{t('side.off', { why: code('off', a.off) })}</div>}
              </span>
              {a.primary && c.addresses.filter((b) => b.channel === a.channel).length > 1 && (
                <Badge size="sm" variant="light" tt="none">
                  {t('side.primary')}
                </Badge>
              )}
            </li>
          ))}
        </ul>
      </Part>
      <Part title={t('side.preferences')} edit={t('preferences.title')} onEdit={() => editPreferences(c, t('preferences.title'))}>
        <dl className={classes.pairs}>
          <dt>{t('preferences.order')}</dt>
          <dd>{p.channel_order.length ? p.channel_order.map(name).join(' → ') : t('preferences.noOrder')}</dd>
          <dt>{t('preferences.quiet')}</dt>
          <dd>{p.quiet_hours?.from ? `${p.quiet_hours.from}–${p.quiet_hours.until}` : t('preferences.noQuiet')}</dd>
          <dt>{t('preferences.cap')}</dt>
          <dd>{p.frequency_cap?.max ? t('preferences.capIs', { count: days(p.frequency_cap.per), max: format.number(p.frequency_cap.max) }) : t('preferences.noCap')}</dd>
          {off.map((x) => (
            <Fragmented key={`${x.topic} ${x.channel}`} term={x.topic === '*' ? t('topic.every') : topics.title(x.topic)}>
              {name(x.channel)}: {x.yes ? t('preferences.on') : t('preferences.off')}
            </Fragmented>
          ))}
        </dl>
      </Part>
      <Part title={t('side.attributes')} edit={t('attributes.title')} onEdit={() => editAttributes(c, t('attributes.title'))}>
        {attributes.length === 0 && <None>{t('side.noAttributes')}</None>}
        <dl className={classes.pairs}>
          {attributes.map(([k, v]) => (
            <Fragmented key={k} term={k}>
              {typeof v === 'string' ? v : JSON.stringify(v)}
            </Fragmented>
          ))}
        </dl>
      </Part>
    </aside>
  )
}

function Fragmented({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </>
  )
}

function None({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  )
}

function Part({ title, edit, onEdit, children }: { title: string; edit: string; onEdit: () => void; children: ReactNode }) {
  const can = useCan()
  return (
    <section>
      <div className={classes.sideHead}>
        <Title order={2}>{title}</Title>
        {can('write:customers') && (
          <ActionIcon variant="subtle" color="gray" aria-label={`${edit}: ${title}`} onClick={onEdit}>
            <IconPencil size={16} stroke={1.7} />
          </ActionIcon>
        )}
      </div>
      {children}
    </section>
  )
}
