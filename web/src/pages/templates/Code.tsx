import { Skeleton, Text } from '@mantine/core'
import { lazy, Suspense } from 'react'
import classes from './Code.module.css'
import type { Fault } from './faults'

export type CodeProps = { label: string; kind: 'html' | 'text'; value: string; onChange: (value: string) => void; readOnly?: boolean; tall?: boolean; faults?: Fault[] }

const CodeMirror = lazy(() => import('./CodeMirror'))

/** A field for Liquid; the editor comes when it is first needed. */
export function Code(props: CodeProps) {
  const { faults } = props
  return (
    <div className={classes.code} data-bad={faults && faults.length > 0 ? true : undefined} data-tall={props.tall || undefined}>
      <Suspense fallback={<Skeleton height={props.tall ? 420 : 140} />}>
        <CodeMirror {...props} />
      </Suspense>
      {faults?.filter((f) => f.line === 0).map((f) => <Text key={f.message} size="sm" c="red" role="alert">{f.message}</Text>)}
    </div>
  )
}
