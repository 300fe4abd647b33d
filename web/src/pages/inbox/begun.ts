import { useState } from 'react'

/** The first word of a conversation, as far as it is written. */
export type Begun = { text: string; subject: string; channel?: string; address?: string; attachments: string[]; cc: string[]; bcc: string[] }

const blank: Begun = { text: '', subject: '', attachments: [], cc: [], bcc: [] }
const name = (customer: string) => `rapport-begun-${customer}`

function read(customer: string): Begun {
  try {
    return { ...blank, ...(JSON.parse(sessionStorage.getItem(name(customer)) ?? '{}') as Partial<Begun>) }
  } catch {
    return blank // storage is off, or holds nonsense
  }
}

/** What is begun and not sent stays in this window, whatever one looks at meanwhile. On the server there is no thread yet that could keep it. */
export function useBegun(customer: string) {
  const [begun, setBegun] = useState(() => read(customer))
  const keep = (b: Begun | undefined) => {
    try {
      if (b) sessionStorage.setItem(name(customer), JSON.stringify(b))
      else sessionStorage.removeItem(name(customer))
    } catch {
      // storage is off: as long as the page is open
    }
  }
  return {
    begun,
    change: (c: Partial<Begun>) =>
      setBegun((was) => {
        const now = { ...was, ...c }
        keep(now)
        return now
      }),
    done: () => keep(undefined),
  }
}
