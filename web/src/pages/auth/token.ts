import { useState } from 'react'

/** The token in the fragment, which no server and no log sees; it leaves the address bar at once. */
export function useToken(): string {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? sessionStorage.getItem('rapport-token') ?? '')
  useState(() => {
    if (!location.hash) return
    sessionStorage.setItem('rapport-token', token) // survives a reload while the form is filled in
    history.replaceState(history.state, '', location.pathname)
  })
  return token
}

export const forgetToken = () => sessionStorage.removeItem('rapport-token')
