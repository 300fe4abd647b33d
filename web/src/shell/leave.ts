import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { ask, sessionQuery } from '../api/session'

/** Signs out. Where no answer comes the page is left all the same: nobody else shall read on. */
export function useLeave() {
  const queries = useQueryClient()
  const go = useNavigate()
  return async () => {
    await ask('DELETE', '/v1/session').catch(() => {})
    try {
      sessionStorage.clear() // answers that were not taken
    } catch {
      // storage is off
    }
    queries.clear()
    queries.setQueryData(sessionQuery.queryKey, null)
    await go({ to: '/sign-in' })
  }
}
