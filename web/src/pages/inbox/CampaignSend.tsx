import { Anchor, UnstyledButton } from '@mantine/core'
import { IconSpeakerphone } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useCan } from '../../api/session'
import { ChannelIcon } from '../../ui/Channel'
import { When } from '../../ui/When'
import { Receipt } from './Receipt'
import classes from './Entry.module.css'

/** Telegram's messages are written in its HTML; only their words are shown. */
function wordsOf(channel: string | undefined, text: string): string {
  return channel === 'telegram' ? (new DOMParser().parseFromString(text.replaceAll('\n', '<br>\n'), 'text/html').body.textContent ?? '') : text
}

/** The campaign's message that the customer answered, as it was sent to them. */
export function CampaignSend({ message, campaign }: { message: string; campaign?: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const [whole, setWhole] = useState(false)
  const sent = $api.useQuery('get', '/v1/messages/{id}', { params: { path: { id: message } } }, { enabled: can('read:messages'), staleTime: 60_000 })
  const about = $api.useQuery('get', '/v1/campaigns/{id}', { params: { path: { id: campaign! } } }, { enabled: !!campaign && can('read:campaigns'), staleTime: 60_000 })
  const m = sent.data
  const words = wordsOf(m?.channel, m?.content?.text ?? m?.content?.body ?? '')
  const long = words.length > 320
  if (sent.error) return null
  return (
    <article className={classes.entry} data-side="right" data-campaign>
      <div className={classes.bubble} data-kind="campaign">
        <header className={classes.campaignHead}>
          <IconSpeakerphone size={15} stroke={1.7} aria-hidden />
          {campaign && about.data ? (
            <Anchor component={Link} to="/campaigns/$id" params={{ id: campaign } as never} size="sm" fw={550}>
              {about.data.name || about.data.template || t('campaign.unnamed')}
            </Anchor>
          ) : (
            <span>{t('campaign.sent')}</span>
          )}
        </header>
        {m?.content?.subject && <p className={classes.subject}>{m.content.subject}</p>}
        <p className={classes.text}>{whole || !long ? words || (m ? t('campaign.gone') : '…') : `${words.slice(0, 280).trimEnd()}…`}</p>
        {long && (
          <UnstyledButton className={classes.fold} onClick={() => setWhole(!whole)} aria-expanded={whole}>
            {whole ? t('mail.less') : t('mail.whole')}
          </UnstyledButton>
        )}
        <footer className={classes.foot}>
          {m && <ChannelIcon channel={m.channel} size={16} />}
          {m && <When at={m.sent_at ?? m.created_at} as="full" />}
          {/* There from the beginning, since a popover that came with each of many answers would be taken for a loop (see Files). */}
          <span hidden={!m}>
            <Receipt state={m?.state ?? 'pending'} reason={m?.reason} message={message} />
          </span>
        </footer>
      </div>
    </article>
  )
}
