import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'

/** Fields and values of a merge in words: consents.email.marketing.news is Consent · Email · news. */
export function useChoiceWords() {
  const { t, i18n } = useTranslation('customers')
  const channel = useChannelName()
  const known = (key: string) => i18n.exists(key, { ns: 'customers' })
  return {
    field(path: string) {
      const [head, ...rest] = path.split('.')
      const words = rest.map((x) => (x === 'marketing' || x === 'transactional' ? t(`purpose.${x}`) : x === '*' ? t('topic.every') : channel(x)))
      const first = known(`choice.${head}`) ? t(`choice.${head}` as 'choice.name') : head
      return [first, ...words].filter(Boolean).join(' · ')
    },
    value(text: string) {
      if (text === '') return '—'
      if (text === 'true') return t('choice.yes')
      if (text === 'false') return t('choice.no')
      return known(`consent.is.${text}`) ? t(`consent.is.${text}` as 'consent.is.none') : text.replace(/^"(.*)"$/, '$1')
    },
  }
}
