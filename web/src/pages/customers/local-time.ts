import { useEffect, useState } from 'react'
import { useFormat } from '../../ui/format'

/** What the clock shows where a customer lives; null where that is not known. */
export function useLocalTime(zone: string): { clock: string; zone: string } | null {
  const { clockIn } = useFormat()
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30_000)
    return () => clearInterval(timer)
  }, [])
  if (!zone) return null
  try {
    return { clock: clockIn(zone, new Date()), zone: zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ') }
  } catch {
    return null
  }
}
