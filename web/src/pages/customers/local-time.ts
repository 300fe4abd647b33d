import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

/** What the clock shows where a customer lives; null where that is not known. */
export function useLocalTime(zone: string): { clock: string; zone: string } | null {
  const { i18n } = useTranslation()
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30_000)
    return () => clearInterval(timer)
  }, [])
  if (!zone) return null
  try {
    return { clock: new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short', timeZone: zone }).format(new Date()), zone: zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ') }
  } catch {
    return null
  }
}
