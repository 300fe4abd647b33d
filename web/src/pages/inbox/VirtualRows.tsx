import { Button, Loader } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useImperativeHandle, useRef, type ReactNode, type Ref } from 'react'
import { useTranslation } from 'react-i18next'
import type { Row } from './threads'
import classes from './List.module.css'

const height = 84

/** Draws only what is seen. What comes in above moves nobody who has scrolled. */
export function VirtualRows({ rows, more, handle, children }: { rows: Row[]; more: { has: boolean; busy: boolean; failed: boolean; load: () => void }; handle: Ref<{ show: (i: number) => void }>; children: (row: Row) => ReactNode }) {
  const { t } = useTranslation(['inbox', 'common'])
  const box = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => height, overscan: 8, getItemKey: (i) => rows[i]!.id })
  const seen = list.getVirtualItems()
  const near = (seen.at(-1)?.index ?? 0) >= rows.length - 12
  const load = more.has && !more.busy && !more.failed && near ? more.load : undefined
  useEffect(() => load?.(), [load])
  useImperativeHandle(handle, () => ({ show: (i) => list.scrollToIndex(i, { align: 'auto' }) }))

  // The row that stood at the upper edge stands there still, whatever came in above it.
  const edge = useRef<{ id: string; offset: number }>(undefined)
  const order = useRef(rows)
  if (order.current !== rows) {
    const el = box.current
    if (el && el.scrollTop > height / 2 && edge.current) {
      const at = rows.findIndex((r) => r.id === edge.current!.id)
      const target = at * height + edge.current.offset
      if (at >= 0 && Math.abs(target - el.scrollTop) > 1) queueMicrotask(() => el.scrollTo({ top: target }))
    }
    order.current = rows
  }
  const onScroll = () => {
    const top = box.current?.scrollTop ?? 0
    const at = Math.floor(top / height)
    edge.current = rows[at] && { id: rows[at].id, offset: top - at * height }
  }
  return (
    <div ref={box} className={classes.box} role="list" aria-label={t('list.label')} onScroll={onScroll}>
      <div className={classes.all} style={{ height: list.getTotalSize() }}>
        {seen.map((item) => (
          <div key={item.key} role="listitem" aria-setsize={more.has ? -1 : rows.length} aria-posinset={item.index + 1} className={classes.item} style={{ transform: `translateY(${item.start}px)` }}>
            {children(rows[item.index]!)}
          </div>
        ))}
      </div>
      <div className={classes.end}>{more.busy ? <Loader size="xs" /> : more.failed ? <Button size="compact-sm" variant="subtle" onClick={more.load}>{t('common:problem.retry')}</Button> : !more.has && rows.length > 8 ? t('list.end') : null}</div>
    </div>
  )
}
