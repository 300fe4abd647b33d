import { Text, Title, Tooltip, UnstyledButton, useMantineTheme } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../../ui/format'
import type { Campaign, Counts } from './campaign'
import classes from './Ledger.module.css'
import { states, stateColor } from './words'

/** Every state with its number, also those with none: they exclude each other and sum to planned. */
export function Ledger({ campaign: c, counts: n, onState }: { campaign: Campaign; counts: Counts; onState: (state: string) => void }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const colors = useMantineTheme().colors
  const sum = states.reduce((all, s) => all + n[s], 0)
  const right = sum === n.planned
  return (
    <section aria-labelledby="ledger">
      <Title order={2} id="ledger" mb={8}>{t('ledger.title')}</Title>
      <table className={classes.table}>
        <tbody>
          {states.map((s) => {
            const [color, shade] = stateColor[s].split('.')
            return (
              <tr key={s} data-none={n[s] === 0 || undefined}>
                <th scope="row">
                  <Tooltip label={t(`about.${s}`)} multiline maw={260} position="left">
                    <UnstyledButton className={classes.state} onClick={() => onState(s)} aria-label={t('ledger.show', { state: t(`state.${s}`) })}>
                      <span className={classes.dot} style={{ background: colors[color!]![Number(shade)] }} aria-hidden />
                      {t(`state.${s}`)}
                    </UnstyledButton>
                  </Tooltip>
                </th>
                <td>{format.number(n[s])}</td>
                <td className={classes.share}>{n.planned > 0 && n[s] > 0 ? format.percent(n[s] / n.planned) : ''}</td>
              </tr>
            )
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t('ledger.planned')}</th>
            <td>{format.number(n.planned)}</td>
            <td className={classes.share}>
              <span className={classes.sum} data-right={right || undefined}>
                {right ? <IconCheck size={14} stroke={2.4} aria-hidden /> : <IconAlertTriangle size={14} aria-hidden />}
                {right ? t('ledger.right') : t('ledger.wrong', { sum: format.number(sum) })}
              </span>
            </td>
          </tr>
        </tfoot>
      </table>
      <Text size="xs" c="dimmed" mt={8}>
        {c.refused > 0 ? t('ledger.refused', { count: c.refused, n: format.number(c.refused), audience: format.number(n.audience) }) : t('ledger.audience', { count: n.audience, n: format.number(n.audience) })}
      </Text>
    </section>
  )
}
