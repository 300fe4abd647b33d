import { useComputedColorScheme, useMantineColorScheme, type MantineColorSchemeManager } from '@mantine/core'

const key = 'rapport-scheme' // public/scheme.js reads it before the first paint

/** Remembers light or dark; 'auto' follows the system. */
export const schemeManager: MantineColorSchemeManager = {
  get(fallback) {
    try {
      const v = localStorage.getItem(key)
      return v === 'light' || v === 'dark' ? v : fallback
    } catch {
      return fallback // storage is off
    }
  },
  set(value) {
    try {
      localStorage.setItem(key, value)
    } catch {
      // storage is off: for this visit only
    }
  },
  subscribe() {},
  unsubscribe() {},
  clear() {
    try {
      localStorage.removeItem(key)
    } catch {
      // storage is off
    }
  },
}

export function useScheme() {
  const { setColorScheme } = useMantineColorScheme()
  return { scheme: useComputedColorScheme('light'), setScheme: setColorScheme }
}
