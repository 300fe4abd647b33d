import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { useUploads } from './upload'
import type { Way } from './ways'

/** What the API takes of one answer, whatever its channel. */
const whole = { bytes: 25 * 1024 * 1024, number: 50 }

/**
 * The files of what is being written: those that are on the server, those on their way there, and what does not fit the way
 * that they are to take.
 */
export function useAttachments(ids: string[], change: (ids: string[]) => void, way?: Way) {
  const { t } = useTranslation('inbox')
  const name = useChannelName()
  const format = useFormat()
  const can = useCan()('write:files')
  const now = useRef(ids)
  useEffect(() => {
    now.current = ids
  }, [ids])
  const about = useFilesAbout(ids)
  const { uploads, add: upload, refuse, drop } = useUploads((f) => {
    now.current = [...now.current, f.id] // two may arrive before the page is drawn again
    change(now.current)
  })
  const [refused, setRefused] = useState<string>()

  const own = way?.files
  const none = !can ? t('files.notYou') : way && !own ? t('files.noneOn', { channel: name(way.channel) }) : undefined
  const bytes = Math.min(own?.bytes ?? whole.bytes, whole.bytes)
  const number = Math.min(own?.number ?? whole.number, whole.number)
  const size = ids.reduce((n, id) => n + (about.get(id)?.size ?? 0), 0)
  const on = way ? name(way.channel) : ''
  const trouble =
    ids.length === 0 ? undefined
    : none ?? (ids.length > number ? t('files.tooMany', { count: number, channel: on }) : size > bytes ? t('files.tooLarge', { most: format.bytes(bytes), channel: on }) : undefined)

  const add = (files: Iterable<File>) => {
    const all = [...files]
    if (all.length === 0) return
    if (none) return setRefused(none)
    setRefused(undefined)
    let room = number - ids.length - uploads.filter((u) => !u.problem).length
    let left = bytes - size - uploads.reduce((n, u) => n + (u.problem ? 0 : u.size), 0)
    for (const f of all) {
      // What is dropped and is a folder has no size, and cannot be read.
      const why =
        f.size === 0 ? t('files.empty') : f.size > bytes ? t('files.tooLargeOne', { most: format.bytes(bytes), channel: on }) : f.size > left ? t('files.tooLarge', { most: format.bytes(bytes), channel: on }) : room <= 0 ? t('files.tooMany', { count: number, channel: on }) : undefined
      if (why) {
        refuse(f, why)
        continue
      }
      room--
      left -= f.size
      upload([f])
    }
  }
  return {
    ids,
    about,
    uploads,
    add,
    drop,
    remove: (id: string) => change(ids.filter((x) => x !== id)),
    /** Why nothing can go along here. */
    none,
    /** What was turned away at the door, until something else is tried. */
    refused: none && refused ? refused : undefined,
    /** Why what is attached cannot be sent. */
    trouble,
    busy: uploads.some((u) => !u.problem),
  }
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
