import { ActionIcon, Loader, Modal, UnstyledButton } from '@mantine/core'
import { IconDownload, IconFile, IconFileMusic, IconFileText, IconFileTypePdf, IconFileZip, IconPhoto, IconVideo } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api } from '../../api/client'
import { useFormat } from '../../ui/format'
import classes from './Entry.module.css'

// Pictures that browsers draw and that cannot hold a script. Everything else is only ever downloaded.
const pictures = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])

const content = (id: string) => `/v1/files/${encodeURIComponent(id)}/content`

export function Files({ ids }: { ids: string[] }) {
  const { t } = useTranslation('common')
  const [large, setLarge] = useState<Named>()
  const [open, setOpen] = useState(false)
  const look = (file: Named) => {
    setLarge(file)
    setOpen(true)
  }
  return (
    <>
      <ul className={classes.files}>
        {ids.map((id) => (
          <li key={id}>
            <File id={id} look={look} />
          </li>
        ))}
      </ul>
      {large && (
        <Modal opened={open} onClose={() => setOpen(false)} size="auto" title={large.name} closeButtonProps={{ 'aria-label': t('close') }}>
          <img className={classes.largePicture} src={content(large.id)} alt={large.name} />
        </Modal>
      )}
    </>
  )
}

type Named = { id: string; name: string }

/**
 * Each file of a thread is asked for by itself, and dozens of answers may come within a moment. So nothing here sets state when
 * it is mounted, as Mantine's Tooltip and Modal do: React takes fifty drawings in a row that each ask for another one for a
 * loop, and throws (error 185).
 */
function File({ id, look }: { id: string; look: (file: Named) => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { bytes } = useFormat()
  const [broken, setBroken] = useState(false)
  const { data: file, isPending } = $api.useQuery('get', '/v1/files/{id}', { params: { path: { id } } }, { staleTime: Infinity })
  if (isPending) return <span className={classes.file}><Loader size={14} /></span>
  if (!file) return <span className={classes.file}>{t('file.gone')}</span>
  const picture = pictures.has(file.content_type) && !broken
  return (
    <div className={classes.fileBox}>
      {picture && (
        <UnstyledButton onClick={() => look({ id, name: file.name })} aria-label={t('file.look', { name: file.name })}>
          <img className={classes.picture} src={content(id)} alt={file.name} loading="lazy" onError={() => setBroken(true)} />
        </UnstyledButton>
      )}
      <div className={classes.file}>
        <FileIcon type={file.content_type} />
        <span className={classes.fileName} title={file.name}>
          {file.name}
        </span>
        <span className={classes.fileSize}>{bytes(file.size)}</span>
        <ActionIcon component="a" href={content(id)} download={file.name} variant="subtle" color="gray" size="sm" title={t('file.download')} aria-label={t('file.downloadName', { name: file.name })}>
          <IconDownload size={16} />
        </ActionIcon>
      </div>
    </div>
  )
}

export function FileIcon({ type }: { type: string }) {
  const Icon = type.startsWith('image/') ? IconPhoto : type.startsWith('audio/') ? IconFileMusic : type.startsWith('video/') ? IconVideo : type === 'application/pdf' ? IconFileTypePdf : /zip|tar|rar|7z/.test(type) ? IconFileZip : type.startsWith('text/') ? IconFileText : IconFile
  return <Icon size={18} stroke={1.6} aria-hidden />
}
