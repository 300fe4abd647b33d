import { ActionIcon, Alert, Button, FileButton, Kbd, Loader, Menu, Progress, Select, TagsInput, Tooltip, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconCalendarClock, IconChevronDown, IconLock, IconPaperclip, IconSend2, IconSparkles, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useId, useImperativeHandle, useMemo, useRef, useState, type ClipboardEvent, type DragEvent, type KeyboardEvent, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { codeOf } from '../../api/problem'
import { useCan, useSession } from '../../api/session'
import { useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { useTell } from '../../ui/Problem'
import { SnoozeItems, useAgents } from './Choose'
import { useDraft, type Writing } from './draft'
import type { Entry } from './entries'
import { FileIcon } from './Files'
import { Offers, type Offer } from './Offers'
import { useOutbox } from './outbox'
import { segments } from './sms'
import type { Thread } from './threads'
import { useUploads } from './upload'
import classes from './Composer.module.css'

/** How long an answer waits to be taken back. */
const undoFor = '8s'
/** How long something must stand on the screen to count as seen by who is writing. */
const seenAfter = 1_500
const mostFiles = 25 * 1024 * 1024

export type ComposerHandle = { focus: (kind?: Writing['kind']) => void; put: (w: Partial<Writing>) => void }

type Props = { thread: Thread; customer?: Schemas['Customer']; rows: Entry[]; handle: Ref<ComposerHandle> }

export function Composer({ thread, customer, rows, handle }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const { agent } = useSession()
  const can = useCan()
  const channelName = useChannelName()
  const format = useFormat()
  const tell = useTell()
  const { send } = useOutbox()
  const draft = useDraft(thread.id, agent.name, true)
  const { writing: w, change } = draft
  const area = useRef<HTMLTextAreaElement>(null)
  const offersId = useId()
  const [caret, setCaret] = useState(0)
  const [active, setActive] = useState(0)
  const [closed, setClosed] = useState(false)
  const [missing, setMissing] = useState<string[]>([])
  const [over, setOver] = useState(false)
  const [copies, setCopies] = useState(false)
  const [thinking, setThinking] = useState(false)

  const files = useFilesAbout(w.attachments)
  const { uploads, add, drop } = useUploads((f) => change({ attachments: [...draftNow.current.attachments, f.id] }))
  const draftNow = useRef(w)
  useEffect(() => {
    draftNow.current = w
  }, [w])

  useImperativeHandle(handle, () => ({
    focus(kind) {
      if (kind) change({ kind })
      requestAnimationFrame(() => area.current?.focus())
    },
    put(words) {
      const before = draftNow.current.text
      change({ ...words, text: words.text !== undefined && before.trim() !== '' ? `${before.trimEnd()}\n\n${words.text}` : (words.text ?? before) })
      requestAnimationFrame(() => area.current?.focus())
    },
  }))

  // The box grows with what is written.
  useEffect(() => {
    const el = area.current
    if (!el) return
    el.style.height = 'auto'
    el.style.height = `${Math.min(320, Math.max(64, el.scrollHeight))}px`
  }, [w.text])

  const note = w.kind === 'note'
  const channels = useMemo(() => [...new Set([thread.channel, ...(customer?.addresses ?? []).filter((a) => !a.off).map((a) => a.channel)])].filter((c) => c !== 'phone'), [customer, thread.channel])
  const channel = w.channel && channels.includes(w.channel) ? w.channel : channels.includes(thread.channel) ? thread.channel : channels[0]
  const address = customer?.addresses.find((a) => a.channel === channel && a.primary) ?? customer?.addresses.find((a) => a.channel === channel)
  const closedSince = !note && channel === thread.channel && thread.reply_until && Date.parse(thread.reply_until) < Date.now() ? thread.reply_until : undefined
  const off = !note && address?.off
  const sms = channel === 'sms' && !note ? segments(w.text) : undefined
  const liquid = !note && /\{\{|\{%/.test(w.text)
  const size = w.attachments.reduce((n, id) => n + (files.get(id)?.size ?? 0), 0)
  const empty = w.text.trim() === '' && w.attachments.length === 0
  const blocked = empty || uploads.length > 0 || (!note && (!channel || !!closedSince || liquid || size > mostFiles))

  const { seen, answered, acknowledge } = useSeen(rows, agent.name, !empty)

  const submit = async (sendAt?: string) => {
    if (blocked) return
    const body = { ...w }
    const after = rows.at(-1)?.id ?? ''
    const { cc, bcc } = channel === 'email' ? body : { cc: [], bcc: [] }
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
        channel: channel === thread.channel ? undefined : channel,
        attachments: body.attachments.length ? body.attachments : undefined,
        ...(cc.length ? { cc } : {}),
        ...(bcc.length ? { bcc } : {}),
        seen,
        ...(sendAt ? { send_at: sendAt } : { undo_for: undoFor }),
      },
    })
  }

  // "/" at the beginning of a line offers canned replies, "@" in a note colleagues.
  const before = w.text.slice(0, caret)
  const slash = note ? null : /(?:^|\n)\/([^\s/]{0,40})$/.exec(before)
  const at = note ? /(?:^|\s)@([\p{L}\p{N}._-]{0,40})$/u.exec(before) : null
  const asking = !closed && (slash ?? at) ? (slash ? 'canned' : 'mention') : undefined
  const asked = (slash ?? at)?.[1]?.toLowerCase() ?? ''
  const canned = useQuery({ queryKey: ['canned'], enabled: asking === 'canned', staleTime: 60_000, queryFn: async () => (await need(client.GET('/v1/canned', { params: { query: { limit: 500 } } }))).data })
  const agents = useAgents()
  const offers: Offer[] =
    asking === 'canned'
      ? (canned.data ?? []).filter((c) => `${c.key} ${c.title}`.toLowerCase().includes(asked)).slice(0, 30).map((c) => ({ id: c.key, label: c.title || c.key, hint: c.bodies[0]?.text.slice(0, 90) }))
      : asking === 'mention'
        ? (agents.data ?? []).filter((a) => a.mention && `${a.mention} ${a.name}`.toLowerCase().includes(asked)).slice(0, 12).map((a) => ({ id: a.mention!, label: a.name, hint: `@${a.mention}` }))
        : []
  useEffect(() => setActive(0), [asking, asked])

  const place = (words: string, from: number) => {
    const text = w.text.slice(0, from) + words + w.text.slice(caret)
    change({ text })
    requestAnimationFrame(() => {
      area.current?.focus()
      area.current?.setSelectionRange(from + words.length, from + words.length)
      setCaret(from + words.length)
    })
  }
  const pick = async (o: Offer) => {
    const from = caret - asked.length - 1
    setClosed(true)
    if (asking === 'mention') return place(`@${o.id} `, from)
    try {
      const out = await need(client.POST('/v1/canned/{key}/render', { params: { path: { key: o.id } }, body: { thread: thread.id, channel: channel as 'sms' } }))
      place(out.text, from)
      setMissing(out.missing)
    } catch (e) {
      tell.failed(e)
    }
  }

  const onKeyDown = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    if (e.nativeEvent.isComposing) return
    if (asking && offers.length > 0) {
      const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0
      if (step) {
        e.preventDefault()
        return setActive((active + step + offers.length) % offers.length)
      }
      if ((e.key === 'Enter' && !e.metaKey && !e.ctrlKey) || e.key === 'Tab') {
        e.preventDefault()
        return void pick(offers[active]!)
      }
    }
    if (e.key === 'Escape') {
      e.preventDefault()
      if (asking) setClosed(true)
      else area.current?.blur()
    } else if (e.key === 'Enter' && (e.metaKey || e.ctrlKey)) {
      e.preventDefault()
      void submit()
    }
  }
  const onPaste = (e: ClipboardEvent) => {
    if (e.clipboardData.files.length === 0 || note) return
    e.preventDefault()
    add(e.clipboardData.files)
  }
  const onDrop = (e: DragEvent) => {
    e.preventDefault()
    setOver(false)
    if (!note) add(e.dataTransfer.files)
  }

  const suggest = async () => {
    setThinking(true)
    try {
      const { text } = await need(client.POST('/v1/threads/{id}/suggest', { params: { path: { id: thread.id } } }))
      change({ text: w.text.trim() ? `${w.text.trimEnd()}\n\n${text}` : text })
      area.current?.focus()
    } catch (e) {
      if (codeOf(e) === 'conflict') tell.done(t('suggest.none'))
      else tell.failed(e)
    }
    setThinking(false)
  }

  const mac = /Mac/.test(navigator.platform)
  return (
    <section
      className={classes.composer}
      data-kind={w.kind}
      data-over={over || undefined}
      aria-label={t('composer.label')}
      onDragOver={(e) => {
        if (note || ![...e.dataTransfer.types].includes('Files')) return
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
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
        {!note && channel && (
          <div className={classes.via}>
            {channels.length > 1 ? (
              <Select size="xs" variant="unstyled" className={classes.channel} aria-label={t('composer.channel')} data={channels.map((c) => ({ value: c, label: channelName(c) }))} value={channel} onChange={(c) => c && change({ channel: c })} allowDeselect={false} comboboxProps={{ withinPortal: true, width: 160 }} />
            ) : (
              <span>{channelName(channel)}</span>
            )}
            {address && <span className={classes.address}>{address.address}</span>}
            {channel === 'email' && !copies && w.cc.length + w.bcc.length === 0 && (
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
      {!note && channel === 'email' && (copies || w.cc.length + w.bcc.length > 0) && (
        <div className={classes.copies}>
          <TagsInput size="xs" label={t('mail.cc')} value={w.cc} onChange={(cc) => change({ cc })} data={(thread.reply_all ?? []).filter((a) => !w.bcc.includes(a))} splitChars={[',', ';', ' ']} maxTags={20} comboboxProps={{ withinPortal: true }} />
          <TagsInput size="xs" label={t('mail.bcc')} value={w.bcc} onChange={(bcc) => change({ bcc })} splitChars={[',', ';', ' ']} maxTags={20} comboboxProps={{ withinPortal: true }} />
        </div>
      )}
      {closedSince ? (
        <div className={classes.closed} role="note">
          <IconAlertTriangle size={16} aria-hidden /> {t('composer.closed', { channel: channelName(channel!), when: format.full(closedSince) })}
        </div>
      ) : (
        <div className={classes.field}>
          {asking && <Offers id={offersId} offers={offers} active={active} pick={(o) => void pick(o)} label={t(`composer.${asking}`)} empty={canned.isFetching ? t('common:loading') : t(`composer.no_${asking}`)} />}
          <textarea
            ref={area}
            className={classes.area}
            value={w.text}
            rows={3}
            maxLength={100_000}
            aria-label={note ? t('composer.noteLabel') : t('composer.replyLabel')}
            placeholder={note ? t('composer.noteHint') : t('composer.replyHint')}
            aria-autocomplete="list"
            aria-controls={asking ? offersId : undefined}
            aria-activedescendant={asking && offers.length > 0 ? `${offersId}-${active}` : undefined}
            onChange={(e) => {
              setClosed(false)
              setCaret(e.currentTarget.selectionStart)
              change({ text: e.currentTarget.value })
            }}
            onSelect={(e) => setCaret(e.currentTarget.selectionStart)}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
          />
        </div>
      )}
      {(w.attachments.length > 0 || uploads.length > 0) && !note && (
        <ul className={classes.files}>
          {w.attachments.map((id) => (
            <li key={id} className={classes.file}>
              <FileIcon type={files.get(id)?.content_type ?? ''} />
              <span>{files.get(id)?.name ?? '…'}</span>
              <small>{files.get(id) && format.bytes(files.get(id)!.size)}</small>
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('composer.removeFile', { name: files.get(id)?.name ?? '' })} onClick={() => change({ attachments: w.attachments.filter((a) => a !== id) })}>
                <IconX size={14} />
              </ActionIcon>
            </li>
          ))}
          {uploads.map((u) => (
            <li key={u.key} className={classes.file} data-bad={u.problem ? '' : undefined}>
              <FileIcon type="" />
              <span>{u.name}</span>
              {u.problem ? <small role="alert">{u.problem.status === 0 ? t('common:problem.offline') : (u.problem.detail ?? u.problem.title)}</small> : <Progress className={classes.progress} value={u.done * 100} size="sm" aria-label={t('composer.uploading', { name: u.name })} />}
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('composer.removeFile', { name: u.name })} onClick={() => drop(u.key)}>
                <IconX size={14} />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
      {!note && (liquid || missing.length > 0 || off || size > mostFiles) && (
        <p className={classes.warning} role="status">
          <IconAlertTriangle size={14} aria-hidden />
          {liquid ? t('composer.missing', { names: missing.filter((m) => w.text.includes(m)).join(', ') || (/\{\{\s*([^}]{0,60}?)\s*\}\}/.exec(w.text)?.[1] ?? '{{') }) : off ? t('composer.off', { reason: off.replaceAll('_', ' ') }) : size > mostFiles ? t('composer.tooLarge') : ''}
        </p>
      )}
      <div className={classes.foot}>
        {!note && (
          <>
            <FileButton multiple onChange={add}>
              {(props) => (
                <Tooltip label={t('composer.attach')}>
                  <ActionIcon {...props} variant="subtle" color="gray" aria-label={t('composer.attach')} disabled={!can('write:files')}>
                    <IconPaperclip size={18} stroke={1.7} />
                  </ActionIcon>
                </Tooltip>
              )}
            </FileButton>
            <Tooltip label={t('suggest.act')}>
              <ActionIcon variant="subtle" color="gray" aria-label={t('suggest.act')} disabled={thinking} onClick={() => void suggest()}>
                {thinking ? <Loader size={14} /> : <IconSparkles size={18} stroke={1.7} />}
              </ActionIcon>
            </Tooltip>
          </>
        )}
        <span className={classes.tip}>{note ? t('composer.tipNote') : t('composer.tipReply')}</span>
        {sms && sms.parts > 0 && (
          <span className={classes.sms} data-many={sms.parts > 3 || undefined} title={sms.wide ? t('sms.wide') : undefined}>
            {t('sms.parts', { count: sms.parts })} · {t('sms.left', { count: sms.left })}
          </span>
        )}
        <div className={classes.send}>
          <Tooltip label={<><Kbd size="xs">{mac ? '⌘' : 'Ctrl'}</Kbd> <Kbd size="xs">Enter</Kbd></>}>
            <Button size="xs" color={note ? 'yellow' : undefined} disabled={blocked} rightSection={note ? undefined : <IconSend2 size={15} />} onClick={() => void submit()}>
              {note ? t('composer.addNote') : t('composer.send')}
            </Button>
          </Tooltip>
          {!note && (
            <Menu position="top-end" width={250} withinPortal>
              <Menu.Target>
                <Button size="xs" px={6} disabled={blocked} aria-label={t('composer.later')}>
                  <IconChevronDown size={15} />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>
                  <IconCalendarClock size={13} aria-hidden /> {t('composer.later')}
                </Menu.Label>
                <SnoozeItems onPick={(when) => void submit(when)} />
              </Menu.Dropdown>
            </Menu>
          )}
        </div>
      </div>
    </section>
  )
}

/** Names and sizes of what is attached. */
function useFilesAbout(ids: string[]): Map<string, Schemas['File']> {
  const query = useQuery({
    queryKey: ['files', ids],
    enabled: ids.length > 0,
    staleTime: Infinity,
    placeholderData: (was: Schemas['File'][] | undefined) => was,
    queryFn: () => Promise.all(ids.map((id) => need(client.GET('/v1/files/{id}', { params: { path: { id } } })))),
  })
  return useMemo(() => new Map((query.data ?? []).map((f) => [f.id, f])), [query.data])
}

/**
 * The newest entry that the writer has seen: what has stood on the screen for a moment. A colleague's answer that came
 * while one wrote does not count as seen until one says so, however long it stands there.
 */
function useSeen(rows: Entry[], me: string, writing: boolean) {
  const newest = rows.at(-1)?.id
  const [seen, setSeen] = useState<string>()
  const [since, setSince] = useState<string>()
  if (writing && since === undefined && newest) setSince(newest)
  if (!writing && since !== undefined) setSince(undefined)
  const answered = since ? rows.find((e) => e.id > since && e.kind === 'outbound' && e.state !== 'cancelled' && (e.author ?? '').toLowerCase() !== me.toLowerCase()) : undefined
  const limit = answered?.id
  useEffect(() => {
    if (!newest) return
    if (seen === undefined) return setSeen(newest)
    if (limit) return
    const timer = setTimeout(() => setSeen(newest), seenAfter)
    return () => clearTimeout(timer)
  }, [newest, limit, seen])
  return {
    seen,
    answered,
    acknowledge: () => {
      setSince(newest)
      setSeen(newest)
    },
  }
}

