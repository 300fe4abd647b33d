import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTell } from '../../../ui/Problem'

type More<R> = {
  /** First words of the queries that are old afterwards. */
  refresh?: string[]
  /** What is said when it went well. */
  said?: string
  then?: (result: R) => unknown
  /** The form shows the refusal beside its fields. */
  quiet?: boolean
}

/** A change: done, said, and what it made old asked for anew. */
export function useAct<V, R>(act: (value: V) => Promise<R>, { refresh = [], said, then, quiet }: More<R> = {}) {
  const queries = useQueryClient()
  const tell = useTell()
  return useMutation({
    mutationFn: act,
    onSuccess: async (result) => {
      for (const key of refresh) void queries.invalidateQueries({ queryKey: [key] })
      if (said) tell.done(said)
      await then?.(result)
    },
    onError: (e) => {
      if (!quiet) tell.failed(e)
    },
  })
}
