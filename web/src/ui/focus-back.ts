import { useEffect, useState } from 'react'

/** Gives the focus back to what had it before: for dialogs that are taken away as a whole, and for those that a menu opens, where Mantine remembers an item that is gone. */
export function useFocusBack() {
  const [before] = useState(holder) // while it still has the focus
  useEffect(
    () => () => {
      // Once the dialog's own parts are gone, and unless somebody has moved the focus on purpose.
      setTimeout(() => {
        if (before?.isConnected && document.activeElement === document.body) before.focus({ preventScroll: true })
      })
    },
    [before],
  )
}

/** The same as a part of what a dialog holds. */
export function FocusBack() {
  useFocusBack()
  return null
}

// What had the focus last, also when it is gone by now: who wants no motion sees a menu vanish before its dialog is drawn.
let last: Element | null = null
document.addEventListener('focusin', (e) => {
  if (e.target instanceof Element) last = e.target
})

/** What has the focus; for an item of a menu, what opened the menu. */
function holder(): HTMLElement | undefined {
  const at = document.activeElement === document.body ? last : document.activeElement
  const opener = at?.closest('[role=menu]')?.getAttribute('aria-labelledby')
  const el = opener ? document.getElementById(opener) : at
  return el instanceof HTMLElement ? el : undefined
}
