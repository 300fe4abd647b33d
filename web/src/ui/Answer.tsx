import type { ReactNode } from 'react'
import { Loading } from './Loading'
import { ProblemAlert } from './Problem'

type Asked<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown }

/** A query as people see it: coming, failed with a way to try again, or there. What is there stays while it is asked anew. */
export function Answer<T>({ of, loading, children }: { of: Asked<T>; loading?: ReactNode; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.error) return <ProblemAlert error={of.error} retry={() => void of.refetch()} />
  return <>{loading ?? <Loading />}</>
}
