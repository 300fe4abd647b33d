import { Tooltip } from '@mantine/core'
import { IconAlertSquareFilled, IconAntennaBars2, IconAntennaBars3, IconAntennaBars5 } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import type { Priority } from './filter'
import classes from './Marks.module.css'

const icons = { urgent: IconAlertSquareFilled, high: IconAntennaBars5, normal: IconAntennaBars3, low: IconAntennaBars2 }

export function PriorityMark({ priority, size = 16, label }: { priority: Priority; size?: number; label?: boolean }) {
  const { t } = useTranslation(['inbox', 'common'])
  const Icon = icons[priority]
  if (!label) return <Icon size={size} className={classes.priority} data-priority={priority} aria-hidden />
  return (
    <Tooltip label={t(`priority.${priority}`)}>
      <span className={classes.icon} role="img" aria-label={t(`priority.${priority}`)}>
        <Icon size={size} className={classes.priority} data-priority={priority} aria-hidden />
      </span>
    </Tooltip>
  )
}

/** Labels keep their colour by their name; where the server knows one, that one. */
export const colours = ['#5a77e6', '#0c8599', '#2f9e44', '#e8590c', '#ae3ec9', '#c2255c', '#b08900', '#6f788d']
export function colourOf(label: string): string {
  let n = 0
  for (const c of label.toLowerCase()) n = (n * 31 + c.codePointAt(0)!) >>> 0
  return colours[n % colours.length]!
}

export function LabelChip({ label, colour }: { label: string; colour?: string }) {
  return (
    <span className={classes.label} title={label}>
      <i style={{ background: colour || colourOf(label) }} aria-hidden />
      <span>{label}</span>
    </span>
  )
}
