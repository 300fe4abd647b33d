import '@mantine/charts/styles.css'
import { AreaChart, BarChart } from '@mantine/charts'
import { Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'
import { useFormat } from '../../ui/format'
import { Sideways } from '../../ui/Sideways'
import classes from './Charts.module.css'
import type { Funnel } from './Overview'

const colors: Record<string, string> = { email: 'rapport.5', sms: 'teal.6', telegram: 'cyan.6', whatsapp: 'green.6', webhook: 'grape.5' }
const steps = ['sent', 'delivered', 'opened', 'clicked', 'replied'] as const
const stepColor: Record<(typeof steps)[number], string> = { sent: 'rapport.3', delivered: 'rapport.6', opened: 'teal.5', clicked: 'orange.5', replied: 'grape.5' }

/** What came of it by channel, and when. The tables below the bars say the same in numbers. */
export default function Charts({ funnel, over }: { funnel: Funnel; over: boolean }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const name = useChannelName()
  const used = funnel.channels.filter((c) => c.channel !== 'none' && steps.some((s) => at(c, s) > 0))
  const bars = steps.map((s) => ({ step: t(`figure.${s}`), ...Object.fromEntries(used.map((c) => [c.channel, at(c, s)])) }))
  const days = funnel.step === '24h' || funnel.step === '168h' || funnel.step === '672h' || funnel.step === '6h'
  const points = even(funnel).map((p) => ({ ...p, at: days ? format.brief(p.at) : format.clock(p.at) }))
  const shown = steps.filter((s) => funnel.series.some((p) => p[s] > 0))
  return (
    <>
      <section aria-labelledby="funnel">
        <Title order={2} id="funnel" mb={12}>{t('chart.funnel')}</Title>
        {used.length === 0 ? (
          <p className={classes.nothing}>{t(over ? 'chart.never' : 'chart.nothing')}</p>
        ) : (
          <>
            <div aria-hidden>
              <BarChart h={220} data={bars} dataKey="step" series={used.map((c) => ({ name: c.channel, label: name(c.channel), color: colors[c.channel] ?? 'gray.5' }))} withLegend gridAxis="x" tickLine="none" maxBarWidth={28} barChartProps={{ accessibilityLayer: false }} valueFormatter={format.number} barProps={{ radius: [3, 3, 0, 0], isAnimationActive: false }} yAxisProps={{ width: 44, allowDecimals: false }} />
            </div>
            <Sideways label={t('chart.funnel')}>
              <table className={classes.table}>
                <thead>
                  <tr>
                    <th scope="col">{t('column.channel')}</th>
                    {steps.map((s) => <th scope="col" key={s}>{t(`figure.${s}`)}</th>)}
                  </tr>
                </thead>
                <tbody>
                  {used.map((c) => (
                    <tr key={c.channel}>
                      <th scope="row">{name(c.channel)}</th>
                      {steps.map((s) => (
                        <td key={s}>
                          {format.number(at(c, s))} {s !== 'sent' && at(c, 'sent') > 0 && <small>{format.percent(at(c, s) / at(c, 'sent'))}</small>}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </Sideways>
          </>
        )}
      </section>
      {points.length > 1 && (
        <section aria-labelledby="series">
          <Title order={2} id="series" mb={12}>{t('chart.series')}</Title>
          <div role="img" aria-label={t('chart.seriesAbout', { from: format.full(funnel.series[0]!.at), until: format.full(funnel.series.at(-1)!.at) })}>
            <AreaChart h={220} data={points} dataKey="at" series={shown.map((s) => ({ name: s, label: t(`figure.${s}`), color: stepColor[s] }))} withLegend curveType="monotone" gridAxis="x" tickLine="none" areaChartProps={{ accessibilityLayer: false }} withDots={points.length < 30} valueFormatter={format.number} areaProps={{ isAnimationActive: false }} yAxisProps={{ width: 44, allowDecimals: false }} />
          </div>
        </section>
      )}
    </>
  )
}

/** The series with the steps in which nothing happened, and one empty step at each end, so that a short campaign is a line too. */
function even(f: Funnel): Funnel['series'] {
  const step = (parseInt(f.step ?? '') || 1) * (f.step?.endsWith('h') ? 3_600_000 : 60_000)
  const known = new Map(f.series.map((p) => [Date.parse(p.at), p]))
  const times = [...known.keys()]
  const out: Funnel['series'] = []
  if (times.length === 0) return out
  for (let at = Math.min(...times) - step; at <= Math.max(...times) + step && out.length < 400; at += step) out.push(known.get(at) ?? { at: new Date(at).toISOString(), sent: 0, delivered: 0, opened: 0, clicked: 0, replied: 0 })
  return out
}

function at(c: Funnel['channels'][number], step: (typeof steps)[number]): number {
  const delivered = c.states.delivered ?? 0
  if (step === 'sent') return delivered + (c.states.sent ?? 0)
  if (step === 'delivered') return delivered
  return c.engaged[step] ?? 0
}
