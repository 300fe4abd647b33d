import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { Answer } from '../../../ui/Answer'
import { Loading } from '../../../ui/Loading'
import { useWords } from './words'
import classes from './kit.module.css'

type Pages<T> = { data: unknown; error: unknown; isPending: boolean; refetch: () => unknown; rows: T[]; more: { has: boolean; busy: boolean; failed: boolean; load: () => void } }

/** A short list, one thing a line, the rest on demand. Lists without an end are Rows. */
export function Lines<T>({ of, label, keyOf, empty, children }: { of: Pages<T>; label: string; keyOf: (row: T) => string; empty: ReactNode; children: (row: T) => ReactNode }) {
  const { t } = useWords()
  return (
    <Answer of={of} loading={<Loading rows={4} height={56} />}>
      {() =>
        of.rows.length === 0 ? (
          empty
        ) : (
          <>
            <ul className={classes.lines} aria-label={label}>
              {of.rows.map((row) => (
                <li key={keyOf(row)} className={classes.line}>
                  {children(row)}
                </li>
              ))}
            </ul>
            {of.more.has && (
              <Button variant="default" size="xs" mt="sm" loading={of.more.busy} onClick={of.more.load}>
                {t('common:more')}
              </Button>
            )}
          </>
        )
      }
    </Answer>
  )
}
