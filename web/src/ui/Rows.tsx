import { Button, Loader } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './Rows.module.css'

type Props<T> = {
  rows: T[]
  keyOf: (row: T) => string
  /** Pixels; rows of other heights are measured. */
  height: number
  row: (row: T, index: number) => ReactNode
  /** failed: the page after these did not come; it is asked for again by hand. */
  more?: { has: boolean; busy: boolean; failed: boolean; load: () => void }
  label: string
  /** Row to keep in view, by index. */
  active?: number
}

/** A list of any length that draws only what is seen and asks for more near its end. */
export function Rows<T>({ rows, keyOf, height, row, more, label, active }: Props<T>) {
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => height, overscan: 8, getItemKey: (i) => keyOf(rows[i]!) })
  const seen = list.getVirtualItems()
  const last = seen.at(-1)?.index ?? -1
  const load = more?.has && !more.busy && !more.failed && last >= rows.length - 10 ? more.load : undefined
  useEffect(() => {
    load?.()
  }, [load])
  useEffect(() => {
    if (active !== undefined && active >= 0) list.scrollToIndex(active, { align: 'auto' })
  }, [active, list])
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- rows may hold nothing to focus, and the list must scroll by keyboard all the same
    <div ref={box} className={classes.box} role="list" aria-label={label} tabIndex={0}>
      <div className={classes.all} ref={(el) => el?.style.setProperty('height', `${list.getTotalSize()}px`)}>
        {seen.map((item) => (
          <Line key={item.key} of={rows[item.index]!} index={item.index} start={item.start} measure={list.measureElement} row={row} />
        ))}
      </div>
      {(more?.busy || more?.failed) && <div className={classes.end}>{more.busy ? <Loader size="xs" aria-label={t('loading')} /> : <Button size="compact-sm" variant="subtle" onClick={more.load}>{t('problem.retry')}</Button>}</div>}
    </div>
  )
}

type LineProps<T> = { of: T; index: number; start: number; measure: (el: HTMLElement | null) => void; row: (row: T, index: number) => ReactNode }

/** One row in its place. While one scrolls only those are drawn that come into sight. */
const Line = memo(function Line<T>({ of, index, start, measure, row }: LineProps<T>) {
  return (
    <div role="listitem" data-index={index} className={classes.row} ref={measure} style={{ transform: `translateY(${start}px)` }}>
      {row(of, index)}
    </div>
  )
}) as <T>(props: LineProps<T>) => ReactNode
