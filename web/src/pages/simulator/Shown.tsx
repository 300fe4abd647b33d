import { Anchor } from '@mantine/core'
import { IconPaperclip } from '@tabler/icons-react'
import { useEffect } from 'react'
import { $api } from '../../api/client'
import classes from './Simulator.module.css'

// What browsers draw and what cannot hold a script; everything else is only ever downloaded.
const pictures = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])

/** A file as a phone shows it: pictures and voices at once, the rest by its name. `onGrown` is told when it takes its place. */
export function Shown({ file: id, onGrown }: { file: string; onGrown: () => void }) {
  const { data: file } = $api.useQuery('get', '/v1/files/{id}', { params: { path: { id } } }, { staleTime: Infinity })
  useEffect(() => {
    if (file) onGrown()
  }, [file, onGrown])
  if (!file) return null
  const at = `/v1/files/${encodeURIComponent(id)}/content`
  if (pictures.has(file.content_type)) return <img className={classes.picture} src={at} alt={file.name} onLoad={onGrown} />
  // eslint-disable-next-line jsx-a11y/media-has-caption -- a voice message has none
  if (/^(audio|video)\//.test(file.content_type)) return <audio className={classes.voice} controls preload="metadata" src={at} aria-label={file.name} />
  return (
    <Anchor className={classes.file} href={at} download={file.name} inherit underline="always">
      <IconPaperclip size={14} aria-hidden /> {file.name}
    </Anchor>
  )
}
