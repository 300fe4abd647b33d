import { useLayoutEffect, useRef } from 'react'

/** For a row of tabs that is wider than its place: moves it sideways until the chosen one is seen. */
export function useChosenSeen<T extends HTMLElement>(chosen: string) {
  const row = useRef<T>(null)
  useLayoutEffect(() => {
    const tab = row.current?.querySelector('[data-active]')
    if (!row.current || !tab) return
    const [place, at] = [row.current.getBoundingClientRect(), tab.getBoundingClientRect()]
    if (at.right > place.right) row.current.scrollLeft += at.right - place.right
    else if (at.left < place.left) row.current.scrollLeft -= place.left - at.left
  }, [chosen])
  return row
}
