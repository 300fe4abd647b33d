import { ActionIcon, Anchor, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy, IconExternalLink, IconMessagePlus } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useEvents } from '../../api/events'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { ChannelIcon } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { Loading } from '../../ui/Loading'
import { usePlace } from './filter'
import { Campaigns, Happenings } from './Happened'
import { Attributes, Consents, Preferences } from './Known'
import { Others } from './Others'
import { Part } from './Part'
import { useThread, type Thread } from './threads'
import classes from './Panel.module.css'

/** Who the customer is: what one looks up while answering, and the way to everything else. */
export function Panel({ thread }: { thread: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const { data } = useThread(thread)
  if (!can('read:customers')) return <p className={classes.none}>{t('panel.forbidden')}</p>
  return (
    <div className={classes.panel}>
      {data ? <About key={data.customer} thread={data} /> : <div className={classes.wait}><Loading rows={6} height={28} /></div>}
    </div>
  )
}

function About({ thread }: { thread: Thread }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const queries = useQueryClient()
  const can = useCan()('write:threads')
  const { write } = usePlace()
  const id = thread.customer
  const path = { path: { id } }
  const customer = $api.useQuery('get', '/v1/customers/{id}', { params: path })
  useEvents((e) => {
    if (e.data.customer === id && (e.type === 'consent.updated' || e.type.startsWith('customer.') || e.type === 'reply.received' || e.type.startsWith('thread.'))) void queries.invalidateQueries({ predicate: (q) => typeof q.queryKey[1] === 'string' && q.queryKey[1].startsWith('/v1/customers/{id}') })
  })
  return (
    <Answer of={customer} loading={<div className={classes.wait}><Loading rows={6} height={28} /></div>}>
      {(c) => (
        <>
          <header className={classes.who}>
            <Face name={c.name} size={44} />
            <div>
              <Anchor component={Link} to="/customers/$id" params={{ id } as never} className={classes.name}>
                {c.name || t('nameless')} <IconExternalLink size={13} aria-hidden />
              </Anchor>
              <p>{[c.external_id, languageOf(c.locale, i18n.language), c.timezone].filter(Boolean).join(' · ')}</p>
            </div>
            {can && (
              <Tooltip label={t('begin.write')}>
                <ActionIcon variant="subtle" color="gray" aria-label={t('begin.write')} onClick={() => write(id)}>
                  <IconMessagePlus size={18} stroke={1.7} />
                </ActionIcon>
              </Tooltip>
            )}
          </header>
          <Part name="addresses" open>
            <ul className={classes.list}>
              {c.addresses.map((a) => (
                <li key={a.id} className={classes.address}>
                  <ChannelIcon channel={a.channel} size={18} />
                  <span title={a.address}>{a.address}</span>
                  {a.off && <em>{a.off.replaceAll('_', ' ')}</em>}
                  <CopyButton value={a.address}>
                    {({ copied, copy }) => (
                      <Tooltip label={copied ? t('common:copied') : t('common:copy')}>
                        <ActionIcon size="sm" variant="subtle" color="gray" onClick={copy} aria-label={t('panel.copy', { address: a.address })}>
                          {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
                        </ActionIcon>
                      </Tooltip>
                    )}
                  </CopyButton>
                </li>
              ))}
            </ul>
          </Part>
          <Part name="consents" open>
            <Consents id={id} />
          </Part>
          <Part name="preferences">
            <Preferences preferences={c.preferences} />
          </Part>
          <Part name="attributes">
            <Attributes attributes={c.attributes} />
          </Part>
          <Part name="campaigns" open>
            <Campaigns id={id} />
          </Part>
          <Part name="threads" open>
            <Others customer={id} thread={thread.id} />
          </Part>
          <Part name="timeline">
            <Happenings id={id} />
          </Part>
        </>
      )}
    </Answer>
  )
}

function languageOf(locale: string, language: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(locale) ?? locale
  } catch {
    return locale // not a language tag
  }
}
