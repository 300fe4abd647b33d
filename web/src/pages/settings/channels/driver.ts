import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../../api/client'

type Setting = Pick<Schemas['SettingView'], 'path' | 'label' | 'help' | 'choices'>

/** Names of drivers, and what their settings are called. A language that has no word for it shows the API's own, which is English. */
export function useDriverWords() {
  const { t, i18n } = useTranslation('drivers')
  const own = (key: string) => (i18n.exists(key, { ns: 'drivers', fallbackLng: [] }) ? String(t(key as never)) : undefined)
  return {
    nameOf: (driver: string) => own(`names.${driver}`) ?? driver,
    settingOf: (driver: string, s: Setting) => ({ label: own(`${driver}.${s.path}.label`) ?? s.label, help: sentence(own(`${driver}.${s.path}.help`) ?? s.help, s.choices ?? []) }),
  }
}

/** Begins with a capital, unless it begins with what one chooses. */
const sentence = (text: string | undefined, choices: string[]) => text && (choices.some((c) => text.startsWith(c)) ? text : text[0]!.toLocaleUpperCase() + text.slice(1))
