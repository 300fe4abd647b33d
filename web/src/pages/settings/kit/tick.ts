import { useEffect, useRef } from 'react'

/** Calls fn now and then while somebody looks: for what no event tells of. */
export function useTick(fn: () => unknown, ms: number) {
  const now = useRef(fn)
  useEffect(() => {
    now.current = fn
  })
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void now.current()
    }, ms)
    return () => clearInterval(timer)
  }, [ms])
}
