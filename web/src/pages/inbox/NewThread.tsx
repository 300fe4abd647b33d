import { ActionIcon, SegmentedControl, TextInput, UnstyledButton } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { newKey } from '../../api/key'
import { need } from '../../api/pages'
import { problemOf } from '../../api/problem'
import { useCan } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { ChannelIcon } from '../../ui/Channel'
import { Face } from '../../ui/Face'
import { Loading } from '../../ui/Loading'
import { ProblemAlert } from '../../ui/Problem'
import { When } from '../../ui/When'
import { Pick } from '../customers/Pick'
import { nameOf } from '../customers/name'
import { Attached } from './Attached'
import { useAttachments } from './attachments'
import { useBegun } from './begun'
import { Box } from './Box'
import { ByTemplate } from './ByTemplate'
import { Attach, Refusal, undoFor } from './Composer'
import { Copies } from './Copies'
import { useDropped } from './dropped'
import { nobody, usePlace } from './filter'
import { Meter } from './Meter'
import { Send } from './Send'
import { Via } from './Via'
import { goesTo, type Way } from './ways'
import composer from './Composer.module.css'
import thread from './Thread.module.css'
import classes from './NewThread.module.css'

/** Writes to a customer who has not written: in one's own words, which begins a conversation, or by a template. */
export function NewThread({ customer, back }: { customer: string; back: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const { write } = usePlace()
  const query = $api.useQuery('get', '/v1/customers/{id}', { params: { path: { id: customer } } }, { enabled: customer !== nobody && can('read:customers') })
  return (
    <section className={thread.thread} aria-label={t('begin.title')}>
      <header className={thread.header}>
        <ActionIcon className={thread.back} variant="subtle" color="gray" onClick={back} aria-label={t('thread.back')}>
          <IconArrowLeft size={20} />
        </ActionIcon>
        {query.data && <Face name={nameOf(query.data)} size={34} />}
        <div className={thread.title}>
          <h2>{query.data ? t('begin.with', { name: nameOf(query.data) }) : t('begin.title')}</h2>
        </div>
      </header>
      {customer === nobody ? (
        <div className={classes.who}>
          <Pick label={t('begin.who')} onPick={(c) => write(c.id)} />
          <p>{t('begin.about')}</p>
        </div>
      ) : (
        <Answer of={query} loading={<div className={classes.who}><Loading rows={4} /></div>}>
          {(c) => <To key={c.id} customer={c} />}
        </Answer>
      )}
    </section>
  )
}

function To({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation(['inbox', 'common'])
  const can = useCan()
  const [how, setHow] = useState<'words' | 'template'>(can('write:threads') ? 'words' : 'template')
  const ways = $api.useQuery('get', '/v1/customers/{id}/channels', { params: { path: { id: c.id } } }, { staleTime: 0 })
  return (
    <>
      <div className={classes.body}>
        {can('write:threads') && can('write:messages') && can('read:templates') && (
          <SegmentedControl className={classes.how} size="xs" aria-label={t('begin.how')} value={how} onChange={(v) => setHow(v as typeof how)} data={[{ value: 'words', label: t('begin.words') }, { value: 'template', label: t('begin.template') }]} />
        )}
        {how === 'words' && <Already customer={c.id} />}
        {how === 'template' && <ByTemplate customer={c} />}
      </div>
      {how === 'words' && (
        <Answer of={ways} loading={<div className={composer.composer}><Loading rows={3} height={24} /></div>}>
          {({ data }) => (data.length === 0 ? <p className={thread.readOnly}>{t('begin.noAddress')}</p> : <Writer customer={c} ways={data} />)}
        </Answer>
      )}
    </>
  )
}

/** What is being talked about with them already: who means that answers there. */
function Already({ customer }: { customer: string }) {
  const { t } = useTranslation('inbox')
  const { open } = usePlace()
  const { data } = $api.useQuery('get', '/v1/threads', { params: { query: { customer, status: ['open', 'pending', 'snoozed'], limit: 5 } } })
  if (!data?.data.length) return null
  return (
    <div className={classes.already}>
      <h3>{t('begin.already')}</h3>
      {data.data.map((r) => (
        <UnstyledButton key={r.id} className={classes.one} onClick={() => open(r.id)}>
          <ChannelIcon channel={r.channel} size={18} />
          <span>{r.subject || r.preview || t('begin.nothingSaid')}</span>
          <When at={r.last_entry_at} as="brief" />
        </UnstyledButton>
      ))}
    </div>
  )
}

/** The first word of a conversation. It is kept for this window until it is sent. */
function Writer({ customer: c, ways }: { customer: Schemas['Customer']; ways: Way[] }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { begun } = usePlace()
  const queries = useQueryClient()
  const { begun: w, change, done } = useBegun(c.id)
  const [copies, setCopies] = useState(false)
  const [missing, setMissing] = useState<string[]>([])
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  const area = useRef<HTMLTextAreaElement>(null)
  const first = ways.find((x) => x.addresses.some((p) => !p.refused)) ?? ways[0]!
  const { way, place } = goesTo(ways, w.channel ?? first.channel, w.address)
  const mail = way?.channel === 'email'
  const files = useAttachments(w.attachments, (attachments) => change({ attachments }), way)
  const over = useDropped(files.add)
  useEffect(() => area.current?.focus(), [])

  const liquid = /\{\{|\{%/.test(w.text)
  const long = !!way?.max_text && [...w.text].length > way.max_text
  const blocked = (w.text.trim() === '' && w.attachments.length === 0) || busy || files.busy || !place || !!place.refused || liquid || long || !!files.trouble || (mail && w.subject.trim() === '')

  // The same words under the same key, however often one presses: they are sent once.
  const key = useRef({ of: '', key: '' })
  const send = async (at?: string) => {
    if (blocked || !way || !place) return
    const body: Schemas['BeginInput'] = {
      customer: c.id, channel: way.channel as 'sms', address: place.address, text: w.text.trim() || undefined, attachments: w.attachments.length ? w.attachments : undefined,
      ...(mail ? { subject: w.subject.trim(), ...(w.cc.length ? { cc: w.cc } : {}), ...(w.bcc.length ? { bcc: w.bcc } : {}) } : {}),
      ...(at ? { send_at: at } : { undo_for: undoFor }),
    }
    const of = JSON.stringify(body)
    if (key.current.of !== of) key.current = { of, key: newKey() }
    setBusy(true)
    setProblem(undefined)
    try {
      const entry = await need(client.POST('/v1/threads', { params: { header: { 'Idempotency-Key': key.current.key } }, body }))
      done()
      void queries.invalidateQueries({ queryKey: ['threads'] })
      begun(entry.thread)
    } catch (e) {
      if (problemOf(e).status > 0 && problemOf(e).status < 500) key.current.of = '' // a refusal is final for its key
      setProblem(e)
      setBusy(false)
    }
  }
  return (
    <section className={composer.composer} data-composer data-over={over || undefined} aria-label={t('composer.label')}>
      {over && <div className={composer.drop}>{files.none ?? t('files.drop')}</div>}
      <div className={composer.head}>
        <div className={composer.via}>
          <Via ways={ways} channel={way?.channel} address={place?.address} pick={(channel, address) => change({ channel, address })} />
          {mail && !copies && w.cc.length + w.bcc.length === 0 && (
            <UnstyledButton className={composer.cc} onClick={() => setCopies(true)}>
              {t('composer.copies')}
            </UnstyledButton>
          )}
        </div>
      </div>
      {mail && (copies || w.cc.length + w.bcc.length > 0) && <Copies cc={w.cc} bcc={w.bcc} change={change} />}
      {mail && <TextInput size="sm" variant="unstyled" className={classes.subject} placeholder={t('begin.subject')} aria-label={t('begin.subject')} maxLength={300} value={w.subject} onChange={(e) => change({ subject: e.currentTarget.value })} />}
      <Refusal place={place} channel={way?.channel ?? ''} />
      <Box
        handle={area}
        text={w.text}
        change={(text) => change({ text })}
        label={t('begin.label')}
        hint={t('begin.hint')}
        canned={(id) => need(client.POST('/v1/canned/{key}/render', { params: { path: { key: id } }, body: { customer: c.id, channel: way?.channel as 'sms' } }))}
        missing={setMissing}
        files={files.add}
        send={() => void send()}
      />
      <Attached files={files} />
      {liquid && <p className={composer.warning} role="status">{t('composer.missing', { names: missing.filter((m) => w.text.includes(m)).join(', ') || '{{' })}</p>}
      {problem !== undefined && <ProblemAlert error={problem} retry={() => void send()} />}
      <div className={composer.foot}>
        <Attach files={files} />
        <span className={composer.tip}>{t('composer.tipReply')}</span>
        <Meter text={w.text} way={way} />
        <Send blocked={blocked} why={long ? t('way.over', { count: [...w.text].length - (way?.max_text ?? 0) }) : undefined} busy={busy} send={(at) => void send(at)} />
      </div>
    </section>
  )
}
