import { IconEye, IconPencil } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { useCan, useSession } from '../../api/session'
import { Face } from '../../ui/Face'
import classes from './Thread.module.css'

/** Programs say every 20 s at what they look. */
const lookFor = 45_000

/** Who else is at it: who looks at the thread, and who writes. A draft that was touched a moment ago is somebody writing, an older one somebody who began. */
export function Colleagues({ thread }: { thread: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { agent } = useSession()
  const { data } = useQuery({ queryKey: ['drafts', thread], refetchInterval: 3_000, staleTime: 0, queryFn: () => need(client.GET('/v1/threads/{id}/drafts', { params: { path: { id: thread } } })) })
  const can = useCan()
  const there = useQuery({ queryKey: ['presence', thread], enabled: can('read:agents'), refetchInterval: 3_000, staleTime: 0, queryFn: () => need(client.GET('/v1/presence', { params: { query: { thread } } })) })
  const others = (data?.data ?? []).filter((d) => d.agent.toLowerCase() !== agent.name.toLowerCase())
  const writing = others.filter((d) => Date.now() - Date.parse(d.updated_at) < 30_000)
  const shown = writing.length > 0 ? writing : others
  const busy = new Set(shown.map((d) => d.agent.toLowerCase()))
  const viewing = (there.data?.data ?? []).filter((p) => p.agent.toLowerCase() !== agent.name.toLowerCase() && !busy.has(p.agent.toLowerCase()) && p.status === 'online' && Date.now() - Date.parse(p.seen_at) < lookFor)
  return (
    <div className={classes.colleagues} role="status">
      {viewing.length > 0 && (
        <span className={classes.colleague}>
          {viewing.slice(0, 3).map((p) => (
            <Face key={p.agent} name={p.agent} size={18} />
          ))}
          <IconEye size={14} aria-hidden />
          {t('colleague.viewing', { count: viewing.length, who: viewing.map((p) => p.agent).join(', ') })}
        </span>
      )}
      {shown.length > 0 && (
        <span className={classes.colleague} data-now={writing.length > 0 || undefined}>
          {shown.slice(0, 3).map((d) => (
            <Face key={d.agent} name={d.agent} size={18} />
          ))}
          <IconPencil size={14} aria-hidden />
          {t(writing.length > 0 ? 'colleague.writing' : 'colleague.draft', { count: shown.length, who: shown.map((d) => d.agent).join(', ') })}
        </span>
      )}
    </div>
  )
}
