import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'
import { days, flatten, type Asked, type Field } from './filter'
import { useTopics } from './topics'
import { useLanguageName } from './words'

/** A filter in words: Language is Latvian and has an address on SMS. */
export function useFilterWords() {
  const { t } = useTranslation('customers')
  const channel = useChannelName()
  const language = useLanguageName()
  const topics = useTopics()
  const values = (field: string, v: unknown) => (Array.isArray(v) ? v : [v]).map((x) => (field === 'locale' ? language(String(x)) : field === 'audience' ? t(`audience.${String(x)}` as 'audience.customer') : String(x))).join(', ')
  const one = ({ not, question: q }: Asked): string => {
    const op = t(`op.${not ? 'not_' : ''}${q.op}` as 'op.in')
    const span = (v: unknown) => t('filter.spanDays', { count: days(v) })
    switch (q.field as Field) {
      case 'channel':
        return `${op} ${channel(q.channel ?? '')}`
      case 'consent':
        return `${t('field.consent')}: ${channel(q.channel ?? '')}${q.topic ? ` · ${topics.title(q.topic)}` : ''}, ${t(`consentIs.${not ? 'not_' : ''}${String(q.value)}` as 'consentIs.none')}`
      case 'event':
        return `${op} ${q.type ?? ''} ≥ ${q.min ?? 1}${q.within ? `, ${span(q.within)}` : ''}`
      case 'attribute':
        return `${q.name ?? ''} ${op} ${q.op === 'exists' ? '' : String(q.value)}`.trim()
      default:
        return `${t(`field.${q.field as Field}`)} ${op} ${q.op === 'exists' ? '' : q.op === 'within' || q.op === 'beyond' ? span(q.value) : values(q.field, q.value)}`.trim()
    }
  }
  return (filter: unknown) => {
    const flat = flatten(filter)
    return flat ? flat.asked.map(one).join(flat.match === 'all' ? ` ${t('filter.and')} ` : ` ${t('filter.or')} `) : t('filter.nested')
  }
}
