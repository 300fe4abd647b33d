import { Alert, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { ChannelIcon } from '../../ui/Channel'
import { MailFrame } from '../../ui/MailFrame'
import { rich } from '../templates/rich'
import type { Estimate } from './estimate'
import { Person } from './Person'
import classes from './Sample.module.css'

/** One message as its customer would see it. */
export function Sample({ of: s }: { of: Estimate['samples'][number] }) {
  const { t } = useTranslation('campaigns')
  return (
    <div className={classes.sample}>
      <div className={classes.to}>
        <ChannelIcon channel={s.channel} />
        <Person id={s.customer} or={s.to} />
        <Text size="xs" c="dimmed" className={classes.address}>{[s.to, s.locale].filter(Boolean).join(' · ')}</Text>
      </div>
      {s.error ? (
        <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />}>{s.error}</Alert>
      ) : s.html ? (
        <>
          <div className={classes.subject}>{s.subject}</div>
          <MailFrame html={s.html} title={t('dry.mail', { subject: s.subject ?? '' })} />
        </>
      ) : s.body ? (
        <pre className={classes.body}>{s.body}</pre>
      ) : (
        <>
          {s.subject && <div className={classes.subject}>{s.subject}</div>}
          <div className={classes.bubble} data-channel={s.channel}>{s.channel === 'telegram' ? rich(s.text ?? '') : s.text}</div>
          {s.segments ? <Text size="xs" c="dimmed">{t('dry.segments', { count: s.segments, n: s.segments })}</Text> : null}
        </>
      )}
    </div>
  )
}
