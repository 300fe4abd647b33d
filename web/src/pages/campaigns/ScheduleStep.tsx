import { Chip, Group, Radio, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useSession } from '../../api/session'
import classes from './choices.module.css'
import { days, local, type Day, type Draft } from './draft'

export function ScheduleStep({ draft, change, errors }: { draft: Draft; change: (part: Partial<Draft>) => void; errors: Record<string, string> }) {
  const { t } = useTranslation('campaigns')
  const { settings } = useSession()
  const w = draft.window
  const later = () => local(new Date(Math.ceil((Date.now() + 3_600_000) / 900_000) * 900_000))
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  return (
    <Stack>
      <Radio.Group aria-label={t('step.schedule')} value={draft.at ? 'at' : 'now'} onChange={(v) => change({ at: v === 'at' ? later() : '' })}>
        <div className={classes.cards}>
          <Radio.Card value="now" className={classes.card}>
            <Radio.Indicator aria-hidden />
            <span><b>{t('schedule.now')}</b><small>{t('schedule.nowAbout')}</small></span>
          </Radio.Card>
          <Radio.Card value="at" className={classes.card}>
            <Radio.Indicator aria-hidden />
            <span><b>{t('schedule.at')}</b><small>{t('schedule.atAbout')}</small></span>
          </Radio.Card>
        </div>
      </Radio.Group>
      {draft.at && <TextInput maw={280} type="datetime-local" label={t('schedule.time')} description={t('schedule.zoneHere', { zone: here })} value={draft.at} min={local(new Date())} onChange={(e) => change({ at: e.currentTarget.value || later() })} error={errors.send_at} />}
      <Switch label={t('schedule.window')} description={t('schedule.windowAbout')} checked={w !== null} onChange={(e) => change({ window: e.currentTarget.checked ? { from: '09:00', until: '20:00', days: [], zone: 'recipient' } : null })} />
      {w && (
        <Stack gap="sm">
          <div className={classes.line}>
            <TextInput type="time" label={t('schedule.from')} value={w.from} onChange={(e) => change({ window: { ...w, from: e.currentTarget.value || '09:00' } })} error={errors['send_window.from']} />
            <TextInput type="time" label={t('schedule.until')} value={w.until} onChange={(e) => change({ window: { ...w, until: e.currentTarget.value || '20:00' } })} error={errors['send_window.until']} />
            <Select
              label={t('schedule.zone')}
              allowDeselect={false}
              value={w.zone}
              onChange={(v) => change({ window: { ...w, zone: v ?? 'recipient' } })}
              data={[...new Set(['recipient', settings.default_timezone, here, w.zone])].map((z) => ({ value: z, label: z === 'recipient' ? t('schedule.recipient') : z }))}
            />
          </div>
          <Group gap={6} role="group" aria-label={t('schedule.days')}>
            <Chip.Group multiple value={w.days.length > 0 ? w.days : days} onChange={(v) => v.length > 0 && change({ window: { ...w, days: v.length === 7 ? [] : days.filter((d) => v.includes(d)) } })}>
              <div className={classes.days}>
                {days.map((d: Day) => <Chip key={d} value={d} size="xs">{t(`schedule.${d}`)}</Chip>)}
              </div>
            </Chip.Group>
          </Group>
          {w.until <= w.from && <Text size="xs" c="dimmed">{t('schedule.overnight')}</Text>}
        </Stack>
      )}
      <Switch label={t('schedule.expires')} description={t('schedule.expiresAbout')} checked={draft.expires !== ''} onChange={(e) => change({ expires: e.currentTarget.checked ? local(new Date(Date.now() + 3 * 86_400_000)) : '' })} />
      {draft.expires && <TextInput maw={280} type="datetime-local" label={t('schedule.expiresAt')} value={draft.expires} onChange={(e) => change({ expires: e.currentTarget.value || local(new Date(Date.now() + 3 * 86_400_000)) })} error={errors.expires_at} />}
    </Stack>
  )
}
