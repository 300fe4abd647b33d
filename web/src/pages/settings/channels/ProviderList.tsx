import { Button } from '@mantine/core'
import { IconChevronRight, IconLock, IconPlugConnected, IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { useCan } from '../../../api/session'
import { ChannelIcon } from '../../../ui/Channel'
import { Empty } from '../../../ui/Empty'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { Lines } from '../kit/Lines'
import { useTick } from '../kit/tick'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import { useDriverWords } from './driver'
import kit from '../kit/kit.module.css'

type View = Schemas['ProviderView']

export function List() {
  const { t } = useWords()
  const { nameOf } = useDriverWords()
  const can = useCan()('write:providers')
  const list = usePages(['providers'], (cursor) => need(client.GET('/v1/providers', { params: { query: { cursor, limit: 100 } } })), { idOf: (p) => p.name })
  useTick(list.refetch, 10_000)
  const add = can && (
    <Button component={Link} to={'/settings/providers/+' as never} leftSection={<IconPlus size={16} />}>
      {t('providers.add')}
    </Button>
  )
  return (
    <Page title={t('sections.providers')} about={t('providers.about')} actions={add}>
      <Lines
        of={list}
        label={t('sections.providers')}
        keyOf={(p) => p.name}
        empty={
          <Empty icon={IconPlugConnected} title={t('providers.none')} action={add}>
            {t('providers.noneAbout')}
          </Empty>
        }
      >
        {(p) => (
          <Link to="/settings/$section/$item" params={{ section: 'providers', item: p.name }} className={`${kit.plainlink} ${kit.whole}`}>
            <ChannelIcon channel={p.channel} size={32} />
            <div className={kit.grow}>
              <div className={kit.name}>
                {p.name}{' '}
                {p.read_only && <IconLock size={13} stroke={1.8} role="img" aria-label={t('providers.readOnly')} />}
              </div>
              <div className={kit.soft}>
                {nameOf(p.driver)} · <Numbers of={p} />
              </div>
              <Trouble of={p} />
            </div>
            <div className={kit.end}>
              <Health of={p} />
              <IconChevronRight size={16} aria-hidden />
            </div>
          </Link>
        )}
      </Lines>
    </Page>
  )
}

/** How a provider is doing in one word. */
export function Health({ of: p }: { of: View }) {
  const { t } = useWords()
  const paused = p.status.paused_until && new Date(p.status.paused_until) > new Date()
  const state = p.status.breaker !== 'closed' ? p.status.breaker : paused ? 'paused' : 'closed'
  return (
    <State color={state === 'closed' ? 'teal' : state === 'open' ? 'red' : 'yellow'}>
      {t(`breaker.${state}`)}
    </State>
  )
}

export function Numbers({ of: p }: { of: View }) {
  const { t } = useWords()
  const format = useFormat()
  return (
    <span className={kit.numbers}>
      {t('providers.sent', { count: p.status.sent_last_hour, n: format.number(p.status.sent_last_hour) })}
      {p.status.failed_last_hour > 0 && <> · {t('providers.failed', { count: p.status.failed_last_hour, n: format.number(p.status.failed_last_hour) })}</>}
      {p.rate > 0 && <> · {t('providers.rate', { now: format.number(Math.round(p.status.rate_in_use * 10) / 10), most: format.number(p.rate) })}</>}
    </span>
  )
}

/** The last complaint, or why nothing comes in. */
export function Trouble({ of: p }: { of: View }) {
  const { t, word } = useWords()
  const { last_error: e, inbound } = p.status
  if (!e && !inbound.error) return null
  return (
    <>
      {e && (
        <div className={kit.trouble}>
          {word('verdicts', e.verdict)}
          {e.detail && <>: {e.detail}</>} {e.code && <span className={kit.mono}>{e.code}</span>} · <When at={e.at} />
        </div>
      )}
      {inbound.error && (
        <div className={kit.trouble}>
          {t('providers.inboundError')}: {inbound.error}
        </div>
      )}
    </>
  )
}
