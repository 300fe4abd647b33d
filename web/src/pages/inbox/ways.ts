import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { useFormat } from '../../ui/format'

/** A channel on which one can write to a customer, and an address of theirs there. */
export type Way = Schemas['Way']
export type Place = Schemas['WayAddress']

/** Where it goes: the way and the address that are meant, as far as there are such. */
export function goesTo(ways: Way[], channel?: string, address?: string): { way?: Way; place?: Place } {
  const way = ways.find((w) => w.channel === channel) ?? ways[0]
  return { way, place: way?.addresses.find((a) => a.address === address) ?? way?.addresses[0] }
}

/** What stands beside a channel where one chooses it: its price, its limits, and why it cannot be taken. */
export function useWayWords() {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const format = useFormat()
  return useMemo(() => {
    const why = (reason: string) => (i18n.exists(`inbox:reason.${reason}`) ? t(`reason.${reason}` as 'reason.suppressed') : reason.replaceAll('_', ' '))
    const price = (w: Way) => (w.currency && w.price > 0 ? t(w.channel === 'sms' ? 'way.perSMS' : 'way.perMessage', { price: format.price(w.price, w.currency) }) : undefined)
    // It is never more than a day ahead, so the hour says it.
    const window = (p?: Place) => (!p?.reply_until || p.refused ? undefined : t('way.until', { when: format.clock(p.reply_until) }))
    /** Of a channel: it is closed only when every address is. */
    const about = (w: Way) => {
      const open = w.addresses.find((p) => !p.refused)
      if (!open) return why(w.addresses[0]?.refused ?? '')
      return [price(w), window(open), w.channel === 'sms' ? t('way.segments') : w.max_text ? t('way.most', { count: w.max_text, most: format.number(w.max_text) }) : undefined].filter(Boolean).join(' · ')
    }
    return { why, price, window, about }
  }, [t, i18n, format])
}
