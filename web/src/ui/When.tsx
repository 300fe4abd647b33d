import { useEffect, useState } from 'react'
import { useFormat } from './format'

/** A time as people say it, exact on hover (the browser's own, since long lists have many): `ago` for what is fresh, `brief` in lists, `full` in tables. */
export function When({ at, as = 'ago' }: { at: string; as?: 'ago' | 'brief' | 'full' | 'clock' }) {
  const format = useFormat()
  const [, tick] = useState(0)
  useEffect(() => {
    if (as !== 'ago') return
    const timer = setInterval(() => tick((n) => n + 1), 30_000)
    return () => clearInterval(timer)
  }, [as])
  return (
    <time dateTime={at} title={format.exact(at)}>
      {format[as](at)}
    </time>
  )
}
