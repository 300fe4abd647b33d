import { useTranslation } from 'react-i18next'

/** Languages as the viewer calls them: lv is Latvian. A tag that is none stays as it is. */
export function useLanguageName() {
  const { i18n } = useTranslation()
  return (tag: string) => {
    try {
      return new Intl.DisplayNames([i18n.language], { type: 'language' }).of(tag) ?? tag
    } catch {
      return tag
    }
  }
}

/** A code of the API in words, where there are any: `code('reason', 'no_consent')`. */
export function useCode() {
  const { t, i18n } = useTranslation('customers')
  return (group: string, code: string) => {
    const key = `${group}.${code}`
    return i18n.exists(key, { ns: 'customers' }) ? t(key as 'title') : code.replaceAll('_', ' ')
  }
}

/** The colour of a message's state: what went well, what did not, what is on its way. */
export function stateColor(state: string): string {
  if (state === 'delivered' || state === 'sent') return 'green'
  if (state === 'failed' || state === 'expired') return 'red'
  return state === 'skipped' || state === 'cancelled' ? 'gray' : 'yellow'
}
