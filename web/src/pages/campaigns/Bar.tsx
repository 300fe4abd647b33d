import { useMantineTheme } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../../ui/format'
import classes from './Bar.module.css'
import type { Counts } from './campaign'
import { states, stateColor } from './words'

const order = ['delivered', 'sent', 'sending', 'doubtful', 'unknown', 'failed', 'expired', 'cancelled', 'skipped', 'pending'] as const

/** The ledger as one line: each state as wide as its share. Said aloud as a sentence. */
export function Bar({ counts, thick }: { counts: Counts; thick?: boolean }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const colors = useMantineTheme().colors
  const whole = Math.max(1, counts.planned)
  const label = states.filter((s) => counts[s] > 0).map((s) => `${t(`state.${s}`)}: ${format.number(counts[s])}`).join(', ')
  return (
    <div className={classes.bar} data-thick={thick || undefined} role="img" aria-label={label || t('ledger.nothing')}>
      {order.map((s) => {
        const [color, shade] = stateColor[s].split('.')
        return counts[s] > 0 && <span key={s} className={classes.part} style={{ flexGrow: counts[s] / whole, background: colors[color!]![Number(shade)] }} />
      })}
    </div>
  )
}
