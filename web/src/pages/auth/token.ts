import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

const kept = 'rapport-token'

/** The token in the fragment, which no server and no log sees; it leaves the address bar at once. */
export function useToken(): string {
  const go = useNavigate()
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? sessionStorage.getItem(kept) ?? '')
  useEffect(() => {
    if (!location.hash) return
    sessionStorage.setItem(kept, token) // survives a reload while the form is filled in
    void go({ to: '.', hash: '', replace: true })
  }, [go, token])
  return token
}

export const forgetToken = () => sessionStorage.removeItem(kept)
