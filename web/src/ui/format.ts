import { useTranslation } from 'react-i18next'

const units: [Intl.RelativeTimeFormatUnit, number][] = [['year', 31_536_000], ['month', 2_592_000], ['week', 604_800], ['day', 86_400], ['hour', 3_600], ['minute', 60]]

/** The chosen language as the viewer's browser has it: en-GB writes 20:13 and 22 Nov, en-US 8:13 PM and Nov 22. */
function regional(language: string): string {
  return navigator.languages.find((l) => l === language || l.startsWith(`${language}-`)) ?? language
}

/** Times in the viewer's zone and numbers in the viewer's language. */
export function useFormat() {
  const { i18n } = useTranslation()
  return formatOf(regional(i18n.language))
}

type Format = ReturnType<typeof formatIn>

// Each of the browser's formatters takes as long to make as a row of a list to draw, and a row has several.
const made = new Map<string, Format>()

function formatOf(language: string): Format {
  const known = made.get(language) ?? formatIn(language)
  made.set(language, known)
  return known
}

function formatIn(language: string) {
  const full = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'long' })
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short' })
  const day = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' })
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const plain = new Intl.NumberFormat(language)
  const share = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 })
  const at = (t: string | Date) => (typeof t === 'string' ? new Date(t) : t)
  return {
    /** 3 Nov 2026, 14:05 */
    full: (t: string | Date) => full.format(at(t)),
    /** Tuesday, 3 November 2026 at 14:05:09 GMT+2 */
    exact: (t: string | Date) => exact.format(at(t)),
    clock: (t: string | Date) => clock.format(at(t)),
    /** What the clock shows elsewhere. An unknown zone throws. */
    clockIn: (zone: string, t: Date) => new Intl.DateTimeFormat(language, { timeStyle: 'short', timeZone: zone }).format(t),
    date: (t: string | Date) => date.format(at(t)),
    /** As short as a list needs: 14:05 today, 3 Nov this year, else with the year. */
    brief(t: string | Date) {
      const then = at(t)
      const now = new Date()
      if (then.toDateString() === now.toDateString()) return clock.format(then)
      return then.getFullYear() === now.getFullYear() ? day.format(then) : date.format(then)
    },
    /** 5 min. ago, in 2 days */
    ago(t: string | Date) {
      const seconds = (at(t).getTime() - Date.now()) / 1000
      for (const [unit, size] of units) if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
      return relative.format(0, 'second')
    },
    number: (n: number) => plain.format(n),
    /** A share of 1. */
    percent: (n: number) => share.format(n),
    /** Minor units, as the API has money. What is less than the smallest coin is no nothing. */
    money(minor: number, currency: string) {
      const digits = new Intl.NumberFormat(language, { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
      return new Intl.NumberFormat(language, { style: 'currency', currency, maximumFractionDigits: minor !== 0 && Math.abs(minor) < 1 ? digits + 2 : digits }).format(minor / 10 ** digits)
    },
    /** The price of a unit, in minor units: they may be fractions of the smallest coin. */
    price(minor: number, currency: string) {
      const digits = new Intl.NumberFormat(language, { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
      return new Intl.NumberFormat(language, { style: 'currency', currency, maximumFractionDigits: digits + 2 }).format(minor / 10 ** digits)
    },
    bytes(n: number) {
      const step = n < 1024 ? 0 : n < 1024 ** 2 ? 1 : 2
      return new Intl.NumberFormat(language, { style: 'unit', unit: ['byte', 'kilobyte', 'megabyte'][step], unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: step }).format(n / 1024 ** step)
    },
  }
}
