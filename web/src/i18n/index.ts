import i18next, { type BackendModule } from 'i18next'
import { initReactI18next } from 'react-i18next'

export const languages = { en: 'English', ru: 'Русский' } as const
export type Language = keyof typeof languages

/** One namespace a page area, loaded with the page: src/i18n/<language>/<namespace>.json. */
const files: BackendModule = {
  type: 'backend',
  init() {},
  read(language, namespace, done) {
    import(`./${language}/${namespace}.json`).then(
      (m: { default: Record<string, string> }) => done(null, m.default),
      (e: Error) => done(e, false),
    )
  },
}

const remembered = 'rapport-language'

/** The language chosen before, else the first of the browser's that there is. */
function firstLanguage(): Language {
  let chosen: string | null = null
  try {
    chosen = localStorage.getItem(remembered)
  } catch {
    // storage is off
  }
  for (const wish of [chosen ?? '', ...navigator.languages]) {
    const language = wish.slice(0, 2).toLowerCase()
    if (language in languages) return language as Language
  }
  return 'en'
}

export async function speak(language: Language) {
  try {
    localStorage.setItem(remembered, language)
  } catch {
    // storage is off: for this visit only
  }
  await i18next.changeLanguage(language)
}

export const ready = i18next
  .use(files)
  .use(initReactI18next)
  .init({
    lng: firstLanguage(),
    fallbackLng: 'en',
    supportedLngs: Object.keys(languages),
    load: 'languageOnly',
    ns: ['common'],
    defaultNS: 'common',
    partialBundledLanguages: true,
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
    react: { useSuspense: true },
  })

i18next.on('languageChanged', (language) => {
  document.documentElement.lang = language
})

export default i18next
