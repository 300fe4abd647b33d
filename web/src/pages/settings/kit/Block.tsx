import { Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './kit.module.css'

/** One part of a section: its name and what it is for on the left, what one does on the right. */
export function Block({ title, about, children, wide }: { title: string; about?: ReactNode; children: ReactNode; wide?: boolean }) {
  return (
    <section className={classes.block} data-wide={wide || undefined}>
      <div>
        <Title order={2}>{title}</Title>
        {about && (
          <Text c="dimmed" size="sm" mt={4}>
            {about}
          </Text>
        )}
      </div>
      <div className={classes.body}>{children}</div>
    </section>
  )
}
