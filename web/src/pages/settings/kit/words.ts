import { useTranslation } from 'react-i18next'

/** The words of the settings and those that every page shares. */
export function useWords() {
  const { t, i18n } = useTranslation(['settings', 'common'])
  /** A word for what the API names; what this build has no word for keeps its name. */
  const word = (key: string, name: string) => (i18n.exists(`settings:${key}.${name}`) ? String(t(`${key}.${name}` as never)) : name)
  return { t, i18n, word }
}
