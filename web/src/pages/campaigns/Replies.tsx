import { Badge, SegmentedControl, Text } from '@mantine/core'
import { IconMessageCircle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { ChannelIcon } from '../../ui/Channel'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { Rows } from '../../ui/Rows'
import { When } from '../../ui/When'
import { over, reached, type Campaign } from './campaign'
import { Person } from './Person'
import classes from './Replies.module.css'
import { intents, useIntent } from './words'

type Reply = Schemas['Reply']
type Intent = (typeof intents)[number]

const intentColor: Record<string, string> = { stop: 'red', question: 'rapport', complaint: 'orange', thanks: 'teal', order: 'grape', other: 'gray' }

/** What people answered, as it comes in. Each leads to its thread, where it is answered. */
export function Replies({ campaign: c, few }: { campaign: Campaign; few?: boolean }) {
  const { t } = useTranslation('campaigns')
  const named = useIntent()
  const [intent, setIntent] = useState<Intent | ''>('')
  const list = usePages(['campaign', c.id, 'replies', { intent, few }], (cursor, signal) =>
    need(client.GET('/v1/replies', { params: { query: { campaign: c.id, intent: intent || undefined, cursor, limit: few ? 5 : 50 } }, signal })),
  )
  const silent = over(c.status) && c.counts !== undefined && reached(c.counts) === 0
  const filter = !few && (
    <div className={classes.filter}>
      <SegmentedControl size="xs" aria-label={t('replies.filter')} value={intent} onChange={(v) => setIntent(v as Intent | '')} data={[{ value: '', label: t('all') }, ...intents.map((i) => ({ value: i, label: named(i) }))]} />
    </div>
  )
  return (
    <>
      {filter}
      {list.error && list.rows.length === 0 ? (
        <ProblemAlert error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading rows={few ? 3 : 6} height={56} />
      ) : list.rows.length === 0 ? (
        few ? <Text c="dimmed" size="sm" py="md">{silent ? t('replies.never') : t('replies.noneYet')}</Text> : <Empty icon={IconMessageCircle} title={t('replies.none')}>{silent ? t('replies.never') : t('replies.noneAbout')}</Empty>
      ) : few ? (
        <ul className={classes.few}>
          {list.rows.slice(0, 5).map((r) => <li key={r.id}><Row reply={r} /></li>)}
        </ul>
      ) : (
        <div className={classes.list}>
          <Rows rows={list.rows} keyOf={(r) => r.id} height={64} label={t('tab.replies')} more={list.more} row={(r) => <Row reply={r} />} />
        </div>
      )}
    </>
  )
}

function Row({ reply: r }: { reply: Reply }) {
  const { t } = useTranslation('campaigns')
  const named = useIntent()
  return (
    <div className={classes.row}>
      <ChannelIcon channel={r.channel ?? 'none'} />
      <div className={classes.said}>
        <Person id={r.customer} />
        <Link className={classes.text} to="/inbox/$thread" params={{ thread: r.thread }} aria-label={t('replies.open', { text: r.text ?? '' })}>
          {r.text || t('replies.noText')}
        </Link>
      </div>
      {r.intent ? <Badge variant="light" color={intentColor[r.intent] ?? 'gray'} tt="none" fw={500}>{named(r.intent)}</Badge> : <span />}
      <Text size="xs" c="dimmed" className={classes.when}><When at={r.created_at} /></Text>
    </div>
  )
}
