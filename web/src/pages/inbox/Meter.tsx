import { useTranslation } from 'react-i18next'
import { useFormat } from '../../ui/format'
import { segments } from './sms'
import type { Way } from './ways'
import classes from './Composer.module.css'

/** How much of the channel the words take, and what that costs. */
export function Meter({ text, way }: { text: string; way?: Way }) {
  const { t } = useTranslation('inbox')
  const format = useFormat()
  if (!way || text.trim() === '') return null
  const money = (units: number) => (way.currency && way.price > 0 ? ` · ${format.price(way.price * units, way.currency)}` : '')
  const over = way.max_text ? [...text].length - way.max_text : 0
  if (over > 0) return <span className={classes.sms} data-many role="alert">{t('way.over', { count: over })}</span>
  if (way.channel === 'sms') {
    const sms = segments(text)
    return (
      <span className={classes.sms} data-many={sms.parts > 3 || undefined} title={sms.wide ? t('sms.wide') : undefined}>
        {t('sms.parts', { count: sms.parts })}
        {money(sms.parts)} · {t('sms.left', { count: sms.left })}
      </span>
    )
  }
  const left = way.max_text ? way.max_text - [...text].length : undefined
  if (left === undefined || left > (way.max_text ?? 0) / 5) return <span className={classes.sms}>{money(1).slice(3)}</span>
  return (
    <span className={classes.sms}>{t('sms.left', { count: left })}</span>
  )
}
