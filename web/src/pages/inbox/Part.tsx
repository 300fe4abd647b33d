import { UnstyledButton } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './Panel.module.css'

type PartName = 'addresses' | 'consents' | 'preferences' | 'attributes' | 'campaigns' | 'threads' | 'timeline'

/** A part that folds, and stays as it was left. */
export function Part({ name, open: first, children }: { name: PartName; open?: boolean; children: ReactNode }) {
  const { t } = useTranslation(['inbox', 'common'])
  const key = `rapport-panel-${name}`
  const [open, setOpen] = useState(() => {
    try {
      return (localStorage.getItem(key) ?? (first ? 'open' : 'folded')) === 'open'
    } catch {
      return !!first // storage is off
    }
  })
  const fold = () => {
    setOpen(!open)
    try {
      localStorage.setItem(key, open ? 'folded' : 'open')
    } catch {
      // storage is off: for this visit only
    }
  }
  return (
    <section className={classes.part}>
      <h3>
        <UnstyledButton className={classes.partHead} aria-expanded={open} onClick={fold}>
          <IconChevronRight size={15} aria-hidden />
          {t(`panel.${name}`)}
        </UnstyledButton>
      </h3>
      {open && <div className={classes.partBody}>{children}</div>}
    </section>
  )
}
