import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useTell } from '../../ui/Problem'

/** Asks anew for all that is shown of a customer. */
export function useRefresh() {
  const queries = useQueryClient()
  return (id: string) => {
    void queries.invalidateQueries({ queryKey: ['get', '/v1/customers/{id}'] })
    void queries.invalidateQueries({ queryKey: ['customer', id] })
    void queries.invalidateQueries({ queryKey: ['customers'] })
  }
}

/** Changes what is known of a customer. */
export function useChange(id: string, done: () => void) {
  const { t } = useTranslation()
  const tell = useTell()
  const refresh = useRefresh()
  return useMutation({
    mutationFn: (body: Schemas['CustomerInput']) => need(client.PUT('/v1/customers/{id}', { params: { path: { id } }, body })),
    onSuccess: () => {
      refresh(id)
      tell.done(t('saved'))
      done()
    },
  })
}
