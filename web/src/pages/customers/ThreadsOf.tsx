import { Badge, Button, Group, Text } from '@mantine/core'
import { IconInbox } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need, usePages } from '../../api/pages'
import { ChannelIcon } from '../../ui/Channel'
import { Empty } from '../../ui/Empty'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { When } from '../../ui/When'
import classes from './Customer.module.css'
import { useCode } from './words'

/** The conversations with a customer. */
export function ThreadsOf({ customer }: { customer: string }) {
  const { t } = useTranslation('customers')
  const code = useCode()
  const list = usePages(['customer', customer, 'threads'], (cursor, signal) => need(client.GET('/v1/threads', { params: { query: { customer, cursor, limit: 50 } }, signal })))
  if (list.error && list.rows.length === 0) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />
  if (list.isPending) return <Loading rows={4} height={52} />
  if (list.rows.length === 0)
    return (
      <Empty icon={IconInbox} title={t('threads.empty')}>
        {t('threads.emptyAbout')}
      </Empty>
    )
  return (
    <>
      <ul className={classes.rows}>
        {list.rows.map((x) => (
          <li key={x.id}>
            <Link to="/inbox/$thread" params={{ thread: x.id } as never} className={classes.item}>
              <ChannelIcon channel={x.channel} />
              <div>
                <Group gap={8}>
                  <Text fw={550} lineClamp={1}>
                    {x.subject || x.preview || x.campaign_name || x.id}
                  </Text>
                  <Badge variant="light" size="sm" tt="none" color={x.status === 'open' ? undefined : 'gray'}>
                    {code('status', x.status)}
                  </Badge>
                </Group>
                <Text size="sm" c="dimmed" lineClamp={1}>
                  {[x.subject && x.preview, x.assignee].filter(Boolean).join(' · ')}
                </Text>
              </div>
              <span className={classes.when}>
                <When at={x.last_entry_at} as="brief" />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {list.more.has && (
        <Button mt="sm" variant="default" loading={list.more.busy} onClick={list.more.load}>
          {t('older')}
        </Button>
      )}
    </>
  )
}
