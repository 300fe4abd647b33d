import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { useFormat } from '../../ui/format'
import { When } from '../../ui/When'
import classes from './Customer.module.css'

/** What there was with a customer of late, in numbers. */
export function Numbers({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('customers')
  const format = useFormat()
  const a = c.activity
  return (
    <dl className={classes.numbers}>
      <div>
        <dt>{t('number.open')}</dt>
        <dd>{format.number(a?.threads_open ?? 0)}</dd>
      </div>
      <div>
        <dt>{t('number.messages')}</dt>
        <dd>{format.number(a?.messages_30d ?? 0)}</dd>
      </div>
      <div>
        <dt>{t('number.lastMessage')}</dt>
        <dd>{a?.last_message_at ? <When at={a.last_message_at} /> : '—'}</dd>
      </div>
      <div>
        <dt>{t('number.lastReply')}</dt>
        <dd>{a?.last_reply_at ? <When at={a.last_reply_at} /> : '—'}</dd>
      </div>
      <div>
        <dt>{t('number.since')}</dt>
        <dd>
          {format.date(c.created_at)}
        </dd>
      </div>
    </dl>
  )
}
