import { UnstyledButton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { ChannelIcon } from '../../ui/Channel'
import { Loading } from '../../ui/Loading'
import { When } from '../../ui/When'
import { usePlace } from './filter'
import { None } from './None'
import classes from './Panel.module.css'

/** What else is talked about with the customer. */
export function Others({ customer, thread }: { customer: string; thread: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { open } = usePlace()
  const query = $api.useQuery('get', '/v1/threads', { params: { query: { customer, limit: 20 } } })
  return (
    <Answer of={query} loading={<Loading rows={2} height={22} />}>
      {({ data }) => {
        const others = data.filter((r) => r.id !== thread)
        if (others.length === 0) return <None>{t('panel.noThreads')}</None>
        return (
          <ul className={classes.list}>
            {others.map((r) => (
              <li key={r.id}>
                <UnstyledButton className={classes.other} onClick={() => open(r.id)}>
                  <ChannelIcon channel={r.channel} size={18} />
                  <span>{r.subject || r.preview}</span>
                  <When at={r.last_entry_at} as="brief" />
                </UnstyledButton>
              </li>
            ))}
          </ul>
        )
      }}
    </Answer>
  )
}
