import { useQuery } from '@tanstack/react-query'
import { useEffect, useId, useImperativeHandle, useRef, useState, type ClipboardEvent, type KeyboardEvent, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { useTell } from '../../ui/Problem'
import { useAgents } from './Choose'
import { Offers, type Offer } from './Offers'
import classes from './Composer.module.css'

type Props = {
  text: string
  change: (text: string) => void
  /** A note calls colleagues by @; everything else has canned replies by /. */
  note?: boolean
  /** The text of a canned reply, filled in for whom it is for, and what nothing supplied. */
  canned: (key: string) => Promise<{ text: string; missing: string[] }>
  missing: (names: string[]) => void
  files: (files: FileList) => void
  send: () => void
  label: string
  hint: string
  handle?: Ref<HTMLTextAreaElement>
}

/** The box that one writes in. It grows, offers what fits where the caret stands, and takes files that are pasted. */
export function Box({ text, change, note = false, canned: render, missing, files, send, label, hint, handle }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const tell = useTell()
  const area = useRef<HTMLTextAreaElement>(null)
  useImperativeHandle(handle, () => area.current!)
  const offersId = useId()
  const [caret, setCaret] = useState(0)
  const [active, setActive] = useState(0)
  const [closed, setClosed] = useState(false)

  useEffect(() => {
    const el = area.current
    if (!el) return
    el.style.height = 'auto'
    el.style.height = `${Math.min(320, Math.max(64, el.scrollHeight))}px`
  }, [text])

  const before = text.slice(0, caret)
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
    change(text.slice(0, from) + words + text.slice(caret))
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
      const out = await render(o.id)
      place(out.text, from)
      missing(out.missing)
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
      send()
    }
  }
  const onPaste = (e: ClipboardEvent) => {
    // Tables and documents come as words and, beside them, as a picture of themselves: the words are meant.
    if (e.clipboardData.files.length === 0 || e.clipboardData.types.includes('text/plain')) return
    e.preventDefault()
    files(e.clipboardData.files)
  }
  return (
    <div className={classes.field}>
      {asking && <Offers id={offersId} offers={offers} active={active} pick={(o) => void pick(o)} label={t(`composer.${asking}`)} empty={canned.isFetching ? t('common:loading') : t(`composer.no_${asking}`)} />}
      <textarea
        ref={area}
        className={classes.area}
        value={text}
        rows={3}
        maxLength={100_000}
        aria-label={label}
        placeholder={hint}
        aria-autocomplete="list"
        aria-controls={asking ? offersId : undefined}
        aria-activedescendant={asking && offers.length > 0 ? `${offersId}-${active}` : undefined}
        onChange={(e) => {
          setClosed(false)
          setCaret(e.currentTarget.selectionStart)
          change(e.currentTarget.value)
        }}
        onSelect={(e) => setCaret(e.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
    </div>
  )
}
