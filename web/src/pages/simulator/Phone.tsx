import { ActionIcon, Button, FileButton, Group, SegmentedControl, Text, Textarea } from '@mantine/core'
import { IconPaperclip, IconSend2 } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { useChannelName } from '../../ui/Channel'
import { useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { Marked } from './Marked'
import { Linked } from './Linked'
import { useGot, useLatestChat, useSaid, type Got } from './outbox'
import { Shown } from './Shown'
import classes from './Simulator.module.css'
import { upload } from './upload'

const chats = ['telegram', 'whatsapp', 'sms'] as const
type Chat = (typeof chats)[number]

type Line = { id: string; at: string; mine: boolean; text: string; files: string[]; got?: Got }

/** The customer's phone: a chat a channel, with what came and what they answered. */
export function Phone({ customer }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('simulator')
  const name = useChannelName()
  const has = chats.filter((c) => customer.addresses.some((a) => a.channel === c))
  const [chosen, setChannel] = useState<Chat>()
  const { latest, pending } = useLatestChat(customer, has)
  const channel = chosen ?? latest ?? has[0] ?? 'sms'
  const address = customer.addresses.find((a) => a.channel === channel)?.address
  const got = useGot(channel, address)
  const said = useSaid(customer.id)
  const tell = useTell()
  const may = useCan()('write:sandbox')
  const queries = useQueryClient()
  const [text, setText] = useState('')
  const end = useRef<HTMLDivElement>(null)

  const answer = useMutation({
    mutationFn: (words: { text?: string; button?: string; in_reply_to?: string; attachments?: string[] }) => need(client.POST('/v1/sandbox/replies', { body: { channel, address: address!, name: customer.name, ...words } })),
    onSuccess: (_, words) => {
      if (words.text === text.trim()) setText('')
      void queries.invalidateQueries({ queryKey: ['simulator'] })
    },
    onError: tell.failed,
  })
  const send = useMutation({
    mutationFn: async (file: File) => answer.mutateAsync({ attachments: [await upload(file)], text: text.trim() || undefined }),
    onError: tell.failed,
  })

  const lines = useMemo<Line[]>(() => {
    const theirs = (got.data ?? []).map((g) => ({ id: g.id, at: g.at, mine: false, text: g.text ?? '', got: g, files: said.data?.files[g.message ?? ''] ?? [] }))
    const own = (said.data?.said ?? []).filter((s) => s.channel === channel).map((s) => ({ id: s.id, at: s.at, mine: true, text: s.text, files: s.files }))
    return [...theirs, ...own].sort((a, b) => a.at.localeCompare(b.at))
  }, [got.data, said.data, channel])
  const toEnd = useCallback(() => void end.current?.scrollTo({ top: end.current.scrollHeight }) /* newer browsers return a promise here */, [])
  useEffect(toEnd, [toEnd, lines.length])

  return (
    <section className={classes.device} aria-label={t('phone.label', { name: customer.name })}>
      <header className={classes.bar}>
        <Text fw={600}>{t('phone.title')}</Text>
        {has.length > 1 && !pending && <SegmentedControl size="xs" aria-label={t('phone.chats')} value={channel} onChange={(v) => setChannel(v as Chat)} data={has.map((value) => ({ value, label: name(value) }))} />}
        {address && !pending && (
          <Text size="xs" c="dimmed" className={classes.address}>
            {address}
          </Text>
        )}
      </header>
      {pending ? (
        <div className={classes.chat} aria-busy /> // no chat before it is known which: it would change under one's hands
      ) : address === undefined ? (
        <Text c="dimmed" className={classes.nothing}>
          {t('phone.none', { name: customer.name })}
        </Text>
      ) : (
        <>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard (WCAG 2.1.1) */}
          <div ref={end} className={classes.chat} role="log" aria-label={name(channel)} tabIndex={0}>
            {lines.length === 0 && (
              <Text c="dimmed" className={classes.nothing}>
                {t('phone.empty')}
              </Text>
            )}
            {lines.map((l) => (
              <Bubble key={l.id} line={l} channel={channel} onGrown={toEnd} press={(b) => answer.mutate({ button: b, in_reply_to: l.got?.message })} />
            ))}
          </div>
          {!may && <Text size="xs" c="dimmed" p="xs">{t('problem.forbidden', { ns: 'common' })}</Text>}
          <form
            hidden={!may}
            className={classes.answer}
            onSubmit={(e) => {
              e.preventDefault()
              if (text.trim()) answer.mutate({ text: text.trim() })
            }}
          >
            <Textarea
              autosize
              minRows={1}
              maxRows={5}
              flex={1}
              aria-label={t('answerAs', { name: customer.name })}
              placeholder={t('answerAs', { name: customer.name })}
              value={text}
              onChange={(e) => setText(e.currentTarget.value)}
              onKeyDown={(e) => {
                if (e.key === 'Enter' && !e.shiftKey && !e.nativeEvent.isComposing) {
                  e.preventDefault()
                  e.currentTarget.form?.requestSubmit()
                }
              }}
            />
            {channel !== 'sms' && (
              <FileButton onChange={(file) => file && send.mutate(file)} inputProps={{ 'aria-label': t('attach') }}>
                {(props) => (
                  <ActionIcon {...props} size={36} variant="subtle" color="gray" loading={send.isPending} aria-label={t('attach')} title={t('attach')}>
                    <IconPaperclip size={18} />
                  </ActionIcon>
                )}
              </FileButton>
            )}
            <ActionIcon type="submit" size={36} loading={answer.isPending} disabled={!text.trim()} aria-label={t('send')}>
              <IconSend2 size={18} />
            </ActionIcon>
          </form>
          <Group gap={6} className={classes.quick} hidden={!may}>
            {(['quick.question', 'quick.thanks', 'quick.stop'] as const).map((w) => (
              <Button key={w} size="compact-xs" variant="default" onClick={() => answer.mutate({ text: t(w) })}>
                {t(w)}
              </Button>
            ))}
          </Group>
        </>
      )}
    </section>
  )
}

function Bubble({ line, channel, press, onGrown }: { line: Line; channel: Chat; press: (data: string) => void; onGrown: () => void }) {
  const { t } = useTranslation('simulator')
  return (
    <div className={classes.bubble} data-mine={line.mine || undefined} data-channel={channel}>
      <div className={classes.words}>
        {channel === 'telegram' && !line.mine ? <Marked text={line.text} /> : <Linked text={line.text} />}
      </div>
      {line.files.map((id) => (
        <Shown key={id} file={id} onGrown={onGrown} />
      ))}
      {line.files.length === 0 &&
        line.got?.attachments?.map((a) => (
          <Text key={a.name} size="xs">
            <IconPaperclip size={14} aria-hidden /> {a.name}
          </Text>
        ))}
      {line.got?.buttons?.map((row, i) => (
        <div key={i} className={classes.buttons}>
          {row?.map((b) =>
            b.url ? (
              <Button key={b.text} size="xs" variant="light" component="a" href={b.url} target="_blank" rel="noreferrer">
                {b.text}
              </Button>
            ) : (
              <Button key={b.text} size="xs" variant="light" onClick={() => press(b.data ?? b.text ?? '')}>
                {b.text}
              </Button>
            ),
          )}
        </div>
      ))}
      <div className={classes.time}>
        {(line.got?.copies ?? 1) > 1 && <span>{t('twice', { count: line.got!.copies })} · </span>}
        <When at={line.at} as="brief" />
      </div>
    </div>
  )
}
