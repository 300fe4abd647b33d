import { Loader } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './Rows.module.css'

type Props<T> = {
  rows: T[]
  keyOf: (row: T) => string
  /** Pixels; rows of other heights are measured. */
  height: number
  row: (row: T, index: number) => ReactNode
  more?: { has: boolean; busy: boolean; load: () => void }
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
  const load = more?.has && !more.busy && last >= rows.length - 10 ? more.load : undefined
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
          <div
            key={item.key}
            role="listitem"
            data-index={item.index}
            className={classes.row}
            ref={(el) => {
              el?.style.setProperty('transform', `translateY(${item.start}px)`)
              list.measureElement(el)
            }}
          >
            {row(rows[item.index]!, item.index)}
          </div>
        ))}
      </div>
      {more?.busy && (
        <div className={classes.end}>
          <Loader size="xs" aria-label={t('loading')} />
        </div>
      )}
    </div>
  )
}
