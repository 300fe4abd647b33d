import { useEffect } from 'react'

/** Gives the focus back to what had it before: for dialogs that are taken away as a whole, since Mantine does it only for those that close. */
export function useFocusBack() {
  useEffect(() => {
    const before = document.activeElement
    return () => {
      // Once the dialog's own parts are gone, and unless somebody has moved the focus on purpose.
      setTimeout(() => {
        if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus({ preventScroll: true })
      })
    }
  }, [])
}
