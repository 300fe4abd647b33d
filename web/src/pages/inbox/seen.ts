import { useEffect, useState } from 'react'
import type { Entry } from './entries'

/** How long something must stand on the screen to count as seen by who is writing. */
const seenAfter = 1_500

/**
 * The newest entry that the writer has seen: what has stood on the screen for a moment. A colleague's answer that came
 * while one wrote does not count as seen until one says so, however long it stands there.
 */
export function useSeen(rows: Entry[], me: string, writing: boolean) {
  const newest = rows.at(-1)?.id
  const [seen, setSeen] = useState<string>()
  const [since, setSince] = useState<string>()
  if (writing && since === undefined && newest) setSince(newest)
  if (!writing && since !== undefined) setSince(undefined)
  const answered = since ? rows.find((e) => e.id > since && e.kind === 'outbound' && e.state !== 'cancelled' && (e.author ?? '').toLowerCase() !== me.toLowerCase()) : undefined
  const limit = answered?.id
  useEffect(() => {
    if (!newest) return
    if (seen === undefined) return setSeen(newest)
    if (limit) return
    const timer = setTimeout(() => setSeen(newest), seenAfter)
    return () => clearTimeout(timer)
  }, [newest, limit, seen])
  return {
    seen,
    answered,
    acknowledge: () => {
      setSince(newest)
      setSeen(newest)
    },
  }
}

