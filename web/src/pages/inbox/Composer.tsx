import { ActionIcon, Alert, Button, FileButton, Loader, Tooltip, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconLock, IconPaperclip, IconSparkles } from '@tabler/icons-react'
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { codeOf } from '../../api/problem'
import { useSession } from '../../api/session'
import { useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { useTell } from '../../ui/Problem'
import { Attached } from './Attached'
import { useAttachments } from './attachments'
import { Box } from './Box'
import { Copies } from './Copies'
import { useDraft, type Writing } from './draft'
import { useDropped } from './dropped'
import type { Entry } from './entries'
import { Meter } from './Meter'
import { useOutbox } from './outbox'
import { useSeen } from './seen'
import { Send } from './Send'
import type { Thread } from './threads'
import { Via } from './Via'
import { goesTo, useWayWords } from './ways'
import classes from './Composer.module.css'

/** How long an answer waits to be taken back. */
export const undoFor = '8s'

export type ComposerHandle = { focus: (kind?: Writing['kind']) => void; put: (w: Partial<Writing>) => void; attach: () => void }

type Props = { thread: Thread; rows: Entry[]; handle: Ref<ComposerHandle> }

/** Where one answers, or leaves a note for colleagues. */
export function Composer({ thread, rows, handle }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const { agent } = useSession()
  const tell = useTell()
  const { send, parcels } = useOutbox()
  const draft = useDraft(thread.id, agent.name, true, (text) => parcels.some((p) => p.thread === thread.id && (p.body.text ?? '').trim() === text.trim()))
  const { writing: w, change } = draft
  const area = useRef<HTMLTextAreaElement>(null)
  const pickFiles = useRef<HTMLButtonElement>(null)
  const [missing, setMissing] = useState<string[]>([])
  const [copies, setCopies] = useState(false)
  const now = useRef(w)
  useEffect(() => {
    now.current = w
  }, [w])

  const note = w.kind === 'note'
  const ways = thread.channels ?? []
  const { way, place } = goesTo(ways, w.channel ?? thread.channel, w.address)
  const mail = way?.channel === 'email'
  const files = useAttachments(w.attachments, (attachments) => change({ attachments }), way)
  const take = (list: FileList) => (note ? tell.failed({ status: 422, title: t('files.notInNotes') }) : files.add(list))
  const over = useDropped(take)

  useImperativeHandle(handle, () => ({
    focus(kind) {
      if (kind) change({ kind })
      requestAnimationFrame(() => area.current?.focus())
    },
    put(words) {
      const before = now.current.text
      change({ ...words, text: words.text !== undefined && before.trim() !== '' ? `${before.trimEnd()}\n\n${words.text}` : (words.text ?? before) })
      requestAnimationFrame(() => area.current?.focus())
    },
    attach() {
      change({ kind: 'reply' })
      requestAnimationFrame(() => pickFiles.current?.click())
    },
  }))

  const liquid = !note && /\{\{|\{%/.test(w.text)
  const empty = w.text.trim() === '' && w.attachments.length === 0
  const long = !!way?.max_text && [...w.text].length > way.max_text
  const blocked = empty || (note ? w.text.trim() === '' : files.busy || !place || !!place.refused || liquid || long || !!files.trouble)
  const { seen, answered, acknowledge } = useSeen(rows, agent.name, !empty)

  const submit = async (sendAt?: string) => {
    if (blocked) return
    const body = { ...w }
    const after = rows.at(-1)?.id ?? ''
    await draft.sent()
    setMissing([])
    setCopies(false)
    acknowledge()
    area.current?.focus()
    if (note) return void send({ thread: thread.id, after, kind: 'note', body: { text: body.text } })
    void send({
      thread: thread.id,
      after,
      kind: 'reply',
      body: {
        text: body.text.trim() === '' ? undefined : body.text,
        channel: way?.channel === thread.channel ? undefined : way?.channel,
        address: place === way?.addresses[0] ? undefined : place?.address,
        attachments: body.attachments.length ? body.attachments : undefined,
        ...(mail && body.cc.length ? { cc: body.cc } : {}),
        ...(mail && body.bcc.length ? { bcc: body.bcc } : {}),
        seen,
        ...(sendAt ? { send_at: sendAt } : { undo_for: undoFor }),
      },
    })
  }

  return (
    <section className={classes.composer} data-composer data-kind={w.kind} data-over={over || undefined} aria-label={t('composer.label')}>
      {over && <div className={classes.drop}>{note ? t('files.notInNotes') : (files.none ?? t('files.drop'))}</div>}
      {answered && (
        <Alert className={classes.banner} color="yellow" variant="light" icon={<IconAlertTriangle size={16} />} role="alert">
          {t('composer.answered', { who: answered.author || t('event.somebody') })}{' '}
          <Button size="compact-xs" variant="subtle" onClick={acknowledge}>
            {t('composer.sawIt')}
          </Button>
        </Alert>
      )}
      {draft.theirs && (
        <Alert className={classes.banner} color="gray" variant="light" icon={<IconAlertTriangle size={16} />} role="alert">
          {t('composer.elsewhere')}{' '}
          <Button size="compact-xs" variant="subtle" onClick={draft.takeTheirs}>
            {t('composer.takeTheirs')}
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={draft.keepMine}>
            {t('composer.keepMine')}
          </Button>
        </Alert>
      )}
      <div className={classes.head}>
        <div className={classes.tabs} role="tablist" aria-label={t('composer.kind')}>
          {(['reply', 'note'] as const).map((kind) => (
            <UnstyledButton key={kind} role="tab" aria-selected={w.kind === kind} className={classes.tab} onClick={() => { change({ kind }); area.current?.focus() }}>
              {kind === 'note' && <IconLock size={13} aria-hidden />} {t(`composer.${kind}`)}
            </UnstyledButton>
          ))}
        </div>
        {!note && (
          <div className={classes.via}>
            <Via ways={ways} channel={way?.channel} address={place?.address} pick={(channel, address) => change({ channel, address })} />
            {mail && !copies && w.cc.length + w.bcc.length === 0 && (
              <UnstyledButton className={classes.cc} onClick={() => setCopies(true)}>
                {t('composer.copies')}
              </UnstyledButton>
            )}
          </div>
        )}
        <span className={classes.saved} role="status">
          {!empty && (draft.saved === 'saved' ? t('composer.saved') : draft.saved === 'saving' ? t('composer.saving') : '')}
        </span>
      </div>
      {!note && mail && (copies || w.cc.length + w.bcc.length > 0) && <Copies cc={w.cc} bcc={w.bcc} known={thread.reply_all ?? []} change={change} />}
      {!note && <Refusal place={place} channel={way?.channel ?? thread.channel} />}
      <Box
        handle={area}
        text={w.text}
        change={(text) => change({ text })}
        note={note}
        label={note ? t('composer.noteLabel') : t('composer.replyLabel')}
        hint={note ? t('composer.noteHint') : t('composer.replyHint')}
        canned={(key) => need(client.POST('/v1/canned/{key}/render', { params: { path: { key } }, body: { thread: thread.id, channel: way?.channel as 'sms' } }))}
        missing={setMissing}
        files={take}
        send={() => void submit()}
      />
      {!note && <Attached files={files} />}
      {liquid && (
        <p className={classes.warning} role="status">
          <IconAlertTriangle size={14} aria-hidden />
          {t('composer.missing', { names: missing.filter((m) => w.text.includes(m)).join(', ') || (/\{\{\s*([^}]{0,60}?)\s*\}\}/.exec(w.text)?.[1] ?? '{{') })}
        </p>
      )}
      <div className={classes.foot}>
        {!note && (
          <>
            <Attach files={files} handle={pickFiles} />
            <Suggest thread={thread.id} put={(text) => { change({ text: w.text.trim() ? `${w.text.trimEnd()}\n\n${text}` : text }); area.current?.focus() }} />
          </>
        )}
        <span className={classes.tip}>{note ? t('composer.tipNote') : t('composer.tipReply')}</span>
        {!note && <Meter text={w.text} way={way} />}
        <Send note={note} blocked={blocked} why={!note && long ? t('way.over', { count: [...w.text].length - (way?.max_text ?? 0) }) : undefined} send={(at) => void submit(at)} />
      </div>
    </section>
  )
}

/** Why nothing can be sent there now, above the box: what is written stays, and another channel may take it. */
export function Refusal({ place, channel }: { place?: ReturnType<typeof goesTo>['place']; channel: string }) {
  const { t } = useTranslation('inbox')
  const name = useChannelName()
  const format = useFormat()
  const { why } = useWayWords()
  if (place && !place.refused) return null
  const text =
    place?.refused === 'reply_window'
      ? place.reply_until ? t('composer.closed', { channel: name(channel), when: format.full(place.reply_until) }) : t('composer.neverOpen', { channel: name(channel) })
      : t('composer.refused', { channel: name(channel), why: why(place?.refused ?? 'no_address') })
  return (
    <div className={classes.closed} role="note">
      <IconAlertTriangle size={16} aria-hidden /> {text}
    </div>
  )
}

export function Attach({ files, handle }: { files: ReturnType<typeof useAttachments>; handle?: Ref<HTMLButtonElement> }) {
  const { t } = useTranslation('inbox')
  return (
    <FileButton multiple onChange={files.add}>
      {(props) => (
        <Tooltip label={files.none ?? t('composer.attach')}>
          <ActionIcon {...props} ref={handle} variant="subtle" color="gray" aria-label={t('composer.attach')} data-disabled={!!files.none || undefined} aria-disabled={!!files.none} onClick={files.none ? undefined : props.onClick}>
            <IconPaperclip size={18} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      )}
    </FileButton>
  )
}

/** Has the assistant write an answer, which is then the agent's. */
function Suggest({ thread, put }: { thread: string; put: (text: string) => void }) {
  const { t } = useTranslation('inbox')
  const tell = useTell()
  const [thinking, setThinking] = useState(false)
  const suggest = async () => {
    setThinking(true)
    try {
      put((await need(client.POST('/v1/threads/{id}/suggest', { params: { path: { id: thread } } }))).text)
    } catch (e) {
      if (codeOf(e) === 'conflict') tell.done(t('suggest.none'))
      else tell.failed(e)
    }
    setThinking(false)
  }
  return (
    <Tooltip label={t('suggest.act')}>
      <ActionIcon variant="subtle" color="gray" aria-label={t('suggest.act')} disabled={thinking} onClick={() => void suggest()}>
        {thinking ? <Loader size={14} /> : <IconSparkles size={18} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  )
}
