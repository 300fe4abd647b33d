import { Button, Loader } from '@mantine/core'
import { IconAlertTriangle, IconCloudOff } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { codeOf } from '../../api/problem'
import { Words } from './EntryView'
import { useOutbox, type Parcel } from './outbox'
import classes from './Entry.module.css'

/** What is on its way to the server, where it will stand. */
export function ParcelView({ parcel: p, edit }: { parcel: Parcel; edit: (p: Parcel) => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { again, drop } = useOutbox()
  const conflict = p.state === 'failed' && codeOf(p.problem) === 'conflict' && (p.problem?.errors?.length ?? 0) > 0
  return (
    <article className={classes.entry} data-side={p.kind === 'note' ? 'note' : 'right'} data-parcel={p.state}>
      <div className={classes.row}>
        <div className={classes.bubble} data-kind={p.kind === 'note' ? 'note' : 'outbound'} data-failed={p.state === 'failed' || undefined}>
          {p.body.text && <Words text={p.body.text} />}
          <footer className={classes.foot} role="status">
            {p.state === 'sending' && (
              <>
                <Loader size={11} /> {t('parcel.sending')}
              </>
            )}
            {p.state === 'waiting' && (
              <>
                <IconCloudOff size={14} aria-hidden /> {t('parcel.waiting')}
              </>
            )}
          </footer>
        </div>
      </div>
      {p.state === 'failed' && (
        <div className={classes.waiting} data-bad role="alert">
          <IconAlertTriangle size={15} aria-hidden />
          <span>{conflict ? t('parcel.conflict', { count: p.problem!.errors!.length }) : (p.problem?.errors?.[0]?.message ?? p.problem?.detail ?? p.problem?.title)}</span>
          <Button size="compact-xs" variant="light" onClick={() => again(p.key, conflict)}>
            {conflict ? t('parcel.force') : t('common:problem.retry')}
          </Button>
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => {
              drop(p.key)
              edit(p)
            }}
          >
            {t('common:edit')}
          </Button>
        </div>
      )}
    </article>
  )
}
