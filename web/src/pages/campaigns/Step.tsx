import { Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './Step.module.css'

/** One step of the builder. All stand open: nobody has to go forward and back to see what they said. */
export function Step({ n, title, done, children }: { n: number; title: string; done: boolean; children: ReactNode }) {
  return (
    <section className={classes.step} aria-labelledby={`step-${n}`}>
      <span className={classes.n} data-done={done || undefined} aria-hidden>
        {done ? <IconCheck size={14} stroke={2.6} /> : n}
      </span>
      <div className={classes.body}>
        <Title order={2} id={`step-${n}`} mb={12}>{title}</Title>
        {children}
      </div>
    </section>
  )
}
