import { ActionIcon, Button, Menu, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconArrowForwardUp, IconArrowsSplit2, IconClockPlay, IconCopy, IconDots, IconLink, IconLock, IconMailDown, IconRefresh, IconRobot } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { memo, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { codeOf } from '../../api/problem'
import { useCan } from '../../api/session'
import { ChannelIcon } from '../../ui/Channel'
import { confirm } from '../../ui/confirm'
import { useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import type { Entry } from './entries'
import { EventLine } from './EventLine'
import { Files } from './Files'
import { ForwardDialog } from './Forward'
import { usePlace } from './filter'
import { Guesses } from './Guesses'
import { Mail } from './Mail'
import { Receipt } from './Receipt'
import classes from './Entry.module.css'

type Meta = { unverified?: boolean; auto?: unknown; sender?: { name?: string; address?: string }; edited_at?: string; before?: string; button?: string; event?: string; checks?: Record<string, string> }

type Props = {
  entry: Entry
  /** The first of several in a row by the same person: it says who. */
  first: boolean
  name: string
  found: boolean
  refresh: () => void
  /** Words that were taken back go where they came from. */
  giveBack: (e: Entry) => void
}

/** One entry of a thread: what was said, by whom, and what became of it. */
export const EntryView = memo(function EntryView({ entry: e, first, name, found, refresh, giveBack }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const meta = (e.meta ?? {}) as Meta
  if (e.kind === 'event') return meta.event === 'reply_cancelled' ? null : <EventLine entry={e} /> // the answer says so itself
  const side = e.kind === 'inbound' ? 'left' : e.kind === 'note' ? 'note' : 'right'
  const author = e.kind === 'inbound' ? (meta.sender?.name || meta.sender?.address || e.author || name) : e.author || t('entry.us')
  const mail = e.channel === 'email' && !!e.html && e.kind === 'inbound'
  const who = e.kind === 'note' ? t('entry.noteBy', { author }) : author
  if (e.state === 'cancelled') return <TakenBack entry={e} author={author} />
  return (
    <article className={classes.entry} data-side={side} data-entry={e.id} data-found={found || undefined} data-aside={e.aside || undefined} aria-label={t('entry.label', { who, kind: t(`kind.${e.kind}`) })}>
      {first && (
        <header className={classes.author}>
          {e.kind === 'note' ? <IconLock size={13} aria-hidden /> : <ChannelIcon channel={e.channel} size={16} />}
          <b>{author}</b>
          {e.kind === 'note' && <span>{t('entry.team')}</span>}
          {meta.auto ? (
            <span className={classes.mark}>
              <IconRobot size={13} aria-hidden /> {t('entry.auto')}
            </span>
          ) : null}
          {e.aside && <span className={classes.mark}>{t('entry.aside')}</span>}
        </header>
      )}
      <div className={classes.row}>
        <div className={classes.bubble} data-kind={e.kind} data-failed={failed(e) || undefined} data-mail={mail || undefined}>
          {meta.unverified && (
            <p className={classes.warn}>
              <IconAlertTriangle size={15} aria-hidden /> {t('entry.unverified', { sender: meta.sender?.address ?? author })}
            </p>
          )}
          <Addressees entry={e} />
          {meta.button && <p className={classes.pressed}>{t('entry.pressed')}</p>}
          {mail ? <Mail entry={e.id} html={e.html!} title={t('mail.title', { who: author })} /> : e.text && <Words text={e.text} />}
          {!mail && e.quoted && <Folded label={t('entry.quoted')} text={e.quoted} />}
          {!mail && e.signature && <Folded label={t('entry.signature')} text={e.signature} />}
          {e.attachments && e.attachments.length > 0 && <Files ids={e.attachments} />}
          <footer className={classes.foot}>
            {meta.edited_at && <span title={meta.before}>{t('entry.edited')}</span>}
            <When at={e.created_at} as="clock" />
            {e.kind === 'outbound' && e.state && <Receipt state={e.state} reason={e.reason} message={e.message} />}
          </footer>
        </div>
        <Acts entry={e} refresh={refresh} />
      </div>
      {e.state === 'scheduled' && <Waiting entry={e} refresh={refresh} giveBack={giveBack} />}
      {e.state === 'failed' && e.kind === 'outbound' && <Retry entry={e} refresh={refresh} />}
      {e.kind === 'inbound' && <Guesses entry={e} refresh={refresh} />}
    </article>
  )
})

const failed = (e: Entry) => e.kind === 'outbound' && ['failed', 'skipped', 'expired', 'unknown'].includes(e.state ?? '')

const links = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}])/g

/** Plain words; addresses of pages can be followed. */
export function Words({ text }: { text: string }) {
  return (
    <p className={classes.text} dir="auto">
      {text.split(links).map((part, i) =>
        i % 2 ? (
          <a key={i} href={part} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </p>
  )
}

function Folded({ label, text }: { label: string; text: string }) {
  const [open, setOpen] = useState(false)
  return (
    <div>
      <UnstyledButton className={classes.fold} aria-expanded={open} onClick={() => setOpen(!open)}>
        <IconDots size={14} aria-hidden /> {label}
      </UnstyledButton>
      {open && <blockquote className={classes.quoted}>{text}</blockquote>}
    </div>
  )
}

function Addressees({ entry: e }: { entry: Entry }) {
  const { t } = useTranslation(['inbox', 'common'])
  const lines = (['to', 'cc', 'bcc'] as const).filter((k) => (e[k]?.length ?? 0) > 0)
  if (lines.length === 0) return null
  return (
    <p className={classes.copies}>
      {lines.map((k) => (
        <span key={k}>
          {t(`mail.${k}`)}: {e[k]!.join(', ')}
        </span>
      ))}
    </p>
  )
}

/** While it can be taken back it says so, and until when. */
function Waiting({ entry: e, refresh, giveBack }: { entry: Entry; refresh: () => void; giveBack: (e: Entry) => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const tell = useTell()
  const can = useCan()
  const [now, setNow] = useState(() => Date.now())
  const [busy, setBusy] = useState(false)
  const left = Math.ceil((Date.parse(e.due_at ?? e.created_at) - now) / 1000)
  const soon = left <= 120
  useEffect(() => {
    const beat = setInterval(() => setNow(Date.now()), soon ? 500 : 20_000)
    return () => clearInterval(beat)
  }, [soon])
  const back = async () => {
    setBusy(true)
    try {
      await need(client.DELETE('/v1/threads/{id}/replies/{entry}', { params: { path: { id: e.thread, entry: e.id } } }))
      giveBack(e)
    } catch (problem) {
      if (codeOf(problem) === 'conflict') tell.done(t('undo.late'))
      else tell.failed(problem)
    }
    refresh()
    setBusy(false)
  }
  return (
    <div className={classes.waiting}>
      <IconClockPlay size={14} aria-hidden />
      {soon ? <span>{t('undo.in', { count: Math.max(0, left) })}</span> : <span>{t('undo.at')} <When at={e.due_at!} as="full" /></span>}
      {can('write:threads') && left > 0 && (
        <Button size="compact-xs" variant="subtle" loading={busy} onClick={() => void back()}>
          {soon ? t('common:undo') : t('undo.takeBack')}
        </Button>
      )}
    </div>
  )
}

function Retry({ entry: e, refresh }: { entry: Entry; refresh: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const tell = useTell()
  const can = useCan()
  const [busy, setBusy] = useState(false)
  if (!can('write:threads')) return null
  const again = async () => {
    setBusy(true)
    try {
      await need(client.POST('/v1/threads/{id}/replies/{entry}/retry', { params: { path: { id: e.thread, entry: e.id } } }))
    } catch (problem) {
      tell.failed(problem)
    }
    refresh()
    setBusy(false)
  }
  return (
    <div className={classes.waiting} data-bad>
      <Button size="compact-xs" variant="light" color="red" leftSection={<IconRefresh size={13} />} loading={busy} onClick={() => void again()}>
        {t('receipt.retry')}
      </Button>
    </div>
  )
}

function TakenBack({ entry: e, author }: { entry: Entry; author: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  return (
    <div className={classes.event} data-entry={e.id}>
      <span>{t('entry.takenBack', { author })}</span>
      <s className={classes.gone}>{e.text.slice(0, 80)}</s>
    </div>
  )
}

function Acts({ entry: e, refresh }: { entry: Entry; refresh: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const tell = useTell()
  const queries = useQueryClient()
  const { open } = usePlace()
  const [forwarding, setForwarding] = useState(false)
  const split = () =>
    confirm({
      title: t('split.title'),
      about: t('split.about'),
      act: t('split.act'),
      danger: false,
      onYes: async () => {
        try {
          const fresh = await need(client.POST('/v1/threads/{id}/split', { params: { path: { id: e.thread } }, body: { from_entry: e.id } }))
          void queries.invalidateQueries({ queryKey: ['entries'] })
          void queries.invalidateQueries({ queryKey: ['threads'] })
          void queries.invalidateQueries({ queryKey: ['get', '/v1/threads'] }) // the customer's other conversations
          open(fresh.id)
        } catch (problem) {
          tell.failed(problem)
        }
        refresh()
      },
    })
  const copy = (text: string) => void navigator.clipboard?.writeText(text).then(() => tell.done(t('common:copied')), () => {})
  return (
    <>
    <ForwardDialog entry={e} opened={forwarding} onClose={() => setForwarding(false)} onDone={refresh} />
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon className={classes.acts} variant="subtle" color="gray" size="sm" aria-label={t('entry.acts')}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconCopy size={15} />} onClick={() => copy(e.text)}>
          {t('entry.copy')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLink size={15} />} onClick={() => copy(`${location.origin}/inbox/${e.thread}?entry=${e.id}`)}>
          {t('entry.link')}
        </Menu.Item>
        {e.original && (
          <Menu.Item component="a" href={`/v1/entries/${encodeURIComponent(e.id)}/original`} leftSection={<IconMailDown size={15} />}>
            {t('entry.original')}
          </Menu.Item>
        )}
        {can('write:threads') && e.kind !== 'note' && e.channel === 'email' && (
          <Menu.Item leftSection={<IconArrowForwardUp size={15} />} onClick={() => setForwarding(true)}>
            {t('entry.forward')}
          </Menu.Item>
        )}
        {can('write:threads') && (
          <Menu.Item leftSection={<IconArrowsSplit2 size={15} />} onClick={split}>
            {t('split.menu')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
    </>
  )
}

