import type { ReactNode } from 'react'
import classes from './Panel.module.css'

/** A part of the panel that has nothing to show. */
export function None({ children }: { children: ReactNode }) {
  return <p className={classes.none}>{children}</p>
}
