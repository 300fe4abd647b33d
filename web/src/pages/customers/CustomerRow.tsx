import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { ChannelIcon } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { When } from '../../ui/When'
import classes from './Customers.module.css'
import { nameOf } from './name'
import { useLanguageName } from './words'

/** One customer of a list. */
export const CustomerRow = memo(function CustomerRow({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('customers')
  const language = useLanguageName()
  const last = [c.activity?.last_reply_at, c.activity?.last_message_at].filter((x) => x !== undefined).sort((a, b) => Date.parse(b) - Date.parse(a))[0]
  const shown = c.addresses.slice(0, 3)
  return (
    <Link to="/customers/$id" params={{ id: c.id }} className={classes.row}>
      <div className={classes.who}>
        <Face name={nameOf(c)} />
        <div className={classes.name}>
          <div>{nameOf(c)}</div>
          <div className={classes.soft}>{[c.external_id, c.audience === 'customer' ? '' : t(`audience.${c.audience as 'customer'}`)].filter(Boolean).join(' · ') || c.addresses[0]?.address}</div>
        </div>
      </div>
      <div className={classes.addresses}>
        {shown.map((a) => (
          <span key={a.id} className={classes.address} data-off={a.off ? true : undefined}>
            <ChannelIcon channel={a.channel} />
            <span>{a.address}</span>
          </span>
        ))}
        {c.addresses.length > shown.length && <span className={classes.soft}>+{c.addresses.length - shown.length}</span>}
      </div>
      <span className={`${classes.soft} ${classes.locale}`}>{c.locale ? language(c.locale) : t('byDefault')}</span>
      <span className={classes.soft}>{last ? <When at={last} /> : '—'}</span>
    </Link>
  )
})
