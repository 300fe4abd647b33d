import { ActionIcon, Progress } from '@mantine/core'
import { IconAlertTriangle, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../../ui/format'
import type { useAttachments } from './attachments'
import { FileIcon } from './Files'
import classes from './Composer.module.css'

/** What goes along, what is on its way to the server, and what was refused. */
export function Attached({ files }: { files: ReturnType<typeof useAttachments> }) {
  const { t } = useTranslation(['inbox', 'common'])
  const format = useFormat()
  const said = files.refused ?? files.trouble
  const gone = (name: string, onClick: () => void) => (
    <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('composer.removeFile', { name })} onClick={onClick}>
      <IconX size={14} />
    </ActionIcon>
  )
  return (
    <>
      {files.ids.length + files.uploads.length > 0 && (
        <ul className={classes.files} aria-label={t('files.label')}>
          {files.ids.map((id) => {
            const f = files.about.get(id)
            return (
              <li key={id} className={classes.file}>
                <FileIcon type={f?.content_type ?? ''} />
                <span title={f?.name}>{f?.name ?? '…'}</span>
                <small>{f && format.bytes(f.size)}</small>
                {gone(f?.name ?? '', () => files.remove(id))}
              </li>
            )
          })}
          {files.uploads.map((u) => (
            <li key={u.key} className={classes.file} data-bad={u.problem ? '' : undefined}>
              <FileIcon type="" />
              <span title={u.name}>{u.name}</span>
              {u.problem ? <small role="alert">{u.problem.status === 0 ? t('common:problem.offline') : (u.problem.detail ?? u.problem.title)}</small> : <Progress className={classes.progress} value={u.done * 100} size="sm" aria-label={t('composer.uploading', { name: u.name })} />}
              {gone(u.name, () => files.drop(u.key))}
            </li>
          ))}
        </ul>
      )}
      {said && (
        <p className={classes.warning} role="alert">
          <IconAlertTriangle size={14} aria-hidden /> {said}
        </p>
      )}
    </>
  )
}
