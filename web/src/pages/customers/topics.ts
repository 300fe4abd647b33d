import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useCan } from '../../api/session'

/** The topics, and their titles in the viewer's language. */
export function useTopics() {
  const { i18n } = useTranslation()
  const can = useCan()
  const { data } = $api.useQuery('get', '/v1/topics', { params: { query: { limit: 500 } } }, { enabled: can('read:topics'), staleTime: 300_000 })
  const list = data?.data ?? []
  return {
    list,
    title(key: string) {
      const titles = list.find((x) => x.key === key)?.title
      return titles?.[i18n.language] ?? titles?.en ?? key
    },
  }
}
