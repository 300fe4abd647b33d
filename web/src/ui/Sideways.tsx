import type { ReactNode } from 'react'
import classes from './Sideways.module.css'

/** What may be wider than its place, a table on a phone: it is moved sideways there, by keyboard as well, and the page stays. */
export function Sideways({ label, children }: { label: string; children: ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it must scroll by keyboard, and may hold nothing to focus
    <div className={classes.box} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  )
}
