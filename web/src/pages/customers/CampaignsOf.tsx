import { Badge, Button, Group, Text } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
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
import { stateColor, useCode } from './words'

/** What campaigns had for a customer, also what was skipped and why. */
export function CampaignsOf({ customer }: { customer: string }) {
  const { t } = useTranslation('customers')
  const code = useCode()
  const list = usePages(['customer', customer, 'campaigns'], (cursor, signal) => need(client.GET('/v1/customers/{id}/campaigns', { params: { path: { id: customer }, query: { cursor, limit: 50 } }, signal })), { idOf: (x) => x.message.id })
  if (list.error && list.rows.length === 0) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />
  if (list.isPending) return <Loading rows={5} height={52} />
  if (list.rows.length === 0)
    return (
      <Empty icon={IconSend} title={t('campaigns.empty')}>
        {t('campaigns.emptyAbout')}
      </Empty>
    )
  return (
    <>
      <ul className={classes.rows}>
        {list.rows.map((x) => (
          <li key={x.message.id}>
            <Link to="/campaigns/$id" params={{ id: x.campaign }} className={classes.item}>
              <ChannelIcon channel={x.message.channel} />
              <div>
                <Group gap={8}>
                  <Text fw={550}>{x.name || x.campaign}</Text>
                  <Badge variant="light" size="sm" tt="none" color={stateColor(x.message.state)}>
                    {code('state', x.message.state)}
                  </Badge>
                </Group>
                <Text size="sm" c="dimmed">
                  {[code('purpose', x.purpose), x.message.reason && code('reason', x.message.reason), ...x.engaged.map((e) => code('engaged', e))].filter(Boolean).join(' · ')}
                </Text>
              </div>
              <span className={classes.when}>
                <When at={x.message.sent_at ?? x.message.created_at} as="brief" />
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
