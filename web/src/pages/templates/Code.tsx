import { Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import classes from './Code.module.css'

export type CodeProps = { label: string; kind: 'html' | 'text'; value: string; onChange: (value: string) => void; readOnly?: boolean; tall?: boolean }

const CodeMirror = lazy(() => import('./CodeMirror'))

/** A field for Liquid; the editor comes when it is first needed. */
export function Code(props: CodeProps) {
  return (
    <div className={classes.code} data-tall={props.tall || undefined}>
      <Suspense fallback={<Skeleton height={props.tall ? 420 : 140} />}>
        <CodeMirror {...props} />
      </Suspense>
    </div>
  )
}
