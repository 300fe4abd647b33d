import { Chip, Group, Loader, Text } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { Empty } from '../../ui/Empty'
import { useFormat } from '../../ui/format'
import { told } from '../inbox/EventLine'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { HappeningRow } from './HappeningRow'
import classes from './Timeline.module.css'

const kinds = ['message', 'entry', 'engagement', 'consent', 'event', 'call', 'report'] as const

type Happening = Schemas['Happening']

const idOf = (h: Happening) => `${h.kind} ${h.message?.id ?? h.entry?.id ?? h.consent?.id ?? h.event?.id ?? h.call?.id ?? `${h.engagement?.message ?? h.report?.message} ${h.engagement?.kind ?? h.report?.kind}`} ${h.at}`

/** Everything that happened with a customer on all channels, the newest first. */
export function Timeline({ customer, name }: { customer: string; name: string }) {
  const { t } = useTranslation('customers')
  const format = useFormat()
  const [only, setOnly] = useState<string[]>([])
  const asked = kinds.filter((k) => only.includes(k)).join(',') || undefined
  const list = usePages(['customer', customer, 'timeline', asked], (cursor, signal) => need(client.GET('/v1/customers/{id}/timeline', { params: { path: { id: customer }, query: { kinds: asked, cursor, limit: 60 } }, signal })) as Promise<Schemas['ListHappening']>, { idOf })
  const days = useMemo(() => {
    const out: { day: string; rows: Happening[] }[] = []
    for (const h of list.rows.filter(told)) {
      const day = new Date(h.at).toDateString()
      if (out.at(-1)?.day === day) out.at(-1)!.rows.push(h)
      else out.push({ day, rows: [h] })
    }
    return out
  }, [list.rows])
  return (
    <section aria-label={t('view.timeline')}>
      <Chip.Group multiple value={only} onChange={setOnly}>
        <Group gap={6} mb="md" role="group" aria-label={t('timeline.only')}>
          {kinds.map((k) => (
            <Chip key={k} value={k} size="xs" variant="light">
              {t(`kind.${k}`)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={8} height={40} />
      ) : list.rows.length === 0 ? (
        <Empty icon={IconHistory} title={t('timeline.empty')}>
          {only.length ? t('timeline.emptyKinds') : t('timeline.emptyAbout')}
        </Empty>
      ) : (
        days.map((d) => (
          <section key={d.day} className={classes.day}>
            <Text component="h3" className={classes.date}>
              {format.date(d.rows[0]!.at)}
            </Text>
            <ul className={classes.list}>
              {d.rows.map((h) => (
                <HappeningRow key={idOf(h)} of={h} name={name} />
              ))}
            </ul>
          </section>
        ))
      )}
      {list.more.has && <More load={list.more.load} busy={list.more.busy} />}
    </section>
  )
}

/** Asks for more as soon as it comes near the screen. */
function More({ load, busy }: { load: () => void; busy: boolean }) {
  const { t } = useTranslation()
  const here = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (busy) return
    const eye = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && load(), { rootMargin: '600px' })
    eye.observe(here.current!)
    return () => eye.disconnect()
  }, [busy, load])
  return (
    <div ref={here} className={classes.more}>
      <Loader size="xs" aria-label={t('loading')} />
    </div>
  )
}
