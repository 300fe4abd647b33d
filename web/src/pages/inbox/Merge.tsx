import { Stack, Text, UnstyledButton } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client } from '../../api/client'
import { need } from '../../api/pages'
import { Answer } from '../../ui/Answer'
import { ChannelIcon } from '../../ui/Channel'
import { Loading } from '../../ui/Loading'
import { ProblemAlert, useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { usePlace } from './filter'
import type { Thread } from './threads'
import classes from './Panel.module.css'

/** Looks again at all that a merge changes, and undoes one. */
export function useUnmerge() {
  const queries = useQueryClient()
  const tell = useTell()
  const everything = () => {
    void queries.invalidateQueries({ queryKey: ['threads'] })
    void queries.invalidateQueries({ queryKey: ['get', '/v1/threads'] }) // the customer's other conversations
    void queries.invalidateQueries({ queryKey: ['thread'] })
    void queries.invalidateQueries({ queryKey: ['entries'] })
  }
  const unmerge = (id: string) => void need(client.POST('/v1/threads/{id}/unmerge', { params: { path: { id } }, body: {} })).then(everything, tell.failed)
  return { everything, unmerge }
}

/** Joins this thread to another one of the same customer. Nothing is moved, so it can be undone for ever. */
export function MergeDialog({ thread, onDone }: { thread: Thread; onDone: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { everything, unmerge } = useUnmerge()
  const tell = useTell()
  const { open } = usePlace()
  const [problem, setProblem] = useState<unknown>()
  const query = $api.useQuery('get', '/v1/threads', { params: { query: { customer: thread.customer, limit: 50 } } })
  const merge = async (into: string) => {
    try {
      await need(client.POST('/v1/threads/{id}/merge', { params: { path: { id: thread.id } }, body: { into } }))
    } catch (e) {
      return setProblem(e)
    }
    everything()
    onDone()
    open(into)
    tell.done(t('merge.done'), () => unmerge(thread.id))
  }
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t('merge.about')}
      </Text>
      {problem !== undefined && <ProblemAlert error={problem} />}
      <Answer of={query} loading={<Loading rows={2} />}>
        {({ data }) => {
          const others = data.filter((r) => r.id !== thread.id)
          if (others.length === 0) return <Text size="sm">{t('merge.none')}</Text>
          return (
            <div>
              {others.map((r) => (
                <UnstyledButton key={r.id} className={classes.other} onClick={() => void merge(r.id)}>
                  <ChannelIcon channel={r.channel} size={18} />
                  <span>{r.subject || r.preview || r.id}</span>
                  <When at={r.last_entry_at} as="brief" />
                </UnstyledButton>
              ))}
            </div>
          )
        }}
      </Answer>
    </Stack>
  )
}
