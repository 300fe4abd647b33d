import { ActionIcon, Button, Group, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { Page } from '../../../ui/Page'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Refusal } from '../kit/Dialog'
import { useWords } from '../kit/words'
import classes from './Hours.module.css'

type HoursView = Schemas['HoursInput']
type Slot = Schemas['SlotInput']
type Holiday = { date: string; name: string; slots: Slot[] }
const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** When somebody is there: response times are told within these hours, too. */
export default function Hours() {
  const { t } = useWords()
  const query = useQuery({ queryKey: ['hours'], queryFn: () => need(client.GET('/v1/hours')) })
  return (
    <Page title={t('sections.hours')} about={t('hours.about')}>
      <Answer of={query}>{(h) => <Form of={h} />}</Answer>
    </Page>
  )
}

function Form({ of }: { of: HoursView }) {
  const { t, i18n } = useWords()
  const can = useCan()('write:agents')
  const [zone, setZone] = useState(of.timezone)
  const [week, setWeek] = useState<Record<string, Slot[]>>(() => Object.fromEntries(Object.entries(of.week).map(([d, s]) => [d, s ?? []])))
  const [holidays, setHolidays] = useState<Holiday[]>(() => (of.holidays ?? []).map((h) => ({ date: h.date, name: h.name ?? '', slots: h.slots ?? [] })))
  const zones = useMemo(() => [...new Set(['UTC', of.timezone, ...Intl.supportedValuesOf('timeZone')])], [of.timezone])
  const name = useMemo(() => {
    const f = new Intl.DateTimeFormat(i18n.language, { weekday: 'long', timeZone: 'UTC' })
    return (i: number) => f.format(new Date(Date.UTC(2024, 0, 1 + i))).replace(/^./, (c) => c.toUpperCase()) // the first of January 2024 was a Monday
  }, [i18n.language])
  const always = days.every((d) => !week[d]?.length)
  const save = useAct(
    () => need(client.PUT('/v1/hours', { body: { timezone: zone, week: Object.fromEntries(Object.entries(week).filter(([, s]) => s.length > 0)), holidays: holidays.filter((h) => h.date).map((h) => ({ date: h.date, name: h.name || undefined, slots: h.slots.length ? h.slots : undefined })) } })),
    { quiet: true, refresh: ['hours'], said: t('common:saved') },
  )
  const wrong = fieldErrors(save.error)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        save.mutate(undefined)
      }}
    >
      <Block title={t('hours.zone')} about={t('hours.zoneAbout')}>
        <Select aria-label={t('hours.zone')} searchable allowDeselect={false} limit={80} value={zone} data={zones} error={wrong.timezone} disabled={!can} onChange={(v) => v && setZone(v)} maw={320} />
      </Block>
      <Block title={t('hours.week')} about={always ? t('hours.always') : t('hours.weekAbout')}>
        <ul className={classes.days}>
          {days.map((d, i) => (
            <li key={d} className={classes.day}>
              <Switch label={name(i)} checked={Boolean(week[d]?.length)} disabled={!can} onChange={(e) => setWeek({ ...week, [d]: e.currentTarget.checked ? [{ from: '09:00', until: '18:00' }] : [] })} />
              {week[d]?.length ? (
                <Slots of={week[d]} label={name(i)} disabled={!can} onChange={(s) => setWeek({ ...week, [d]: s })} />
              ) : (
                <Text size="sm" c="dimmed">
                  {always ? t('hours.open') : t('hours.closed')}
                </Text>
              )}
            </li>
          ))}
        </ul>
      </Block>
      <Block title={t('hours.holidays')} about={t('hours.holidaysAbout')}>
        <Stack>
          {holidays.map((h, i) => {
            const put = (change: Partial<Holiday>) => setHolidays(holidays.map((x, j) => (j === i ? { ...x, ...change } : x)))
            return (
              <Group key={i} gap="xs" align="flex-start">
                <TextInput type="date" aria-label={t('hours.date')} value={h.date} disabled={!can} onChange={(e) => put({ date: e.currentTarget.value })} />
                <TextInput flex={1} miw={140} aria-label={t('hours.name')} placeholder={t('hours.name')} value={h.name} disabled={!can} onChange={(e) => put({ name: e.currentTarget.value })} />
                {h.slots.length > 0 ? (
                  <Slots of={h.slots} label={h.name || h.date} disabled={!can} onChange={(slots) => put({ slots })} />
                ) : (
                  <Button size="compact-sm" mt={5} variant="subtle" disabled={!can} onClick={() => put({ slots: [{ from: '10:00', until: '14:00' }] })}>
                    {t('hours.closedOpen')}
                  </Button>
                )}
                <ActionIcon mt={4} variant="subtle" color="gray" disabled={!can} aria-label={t('removeOne', { name: h.name || h.date })} onClick={() => setHolidays(holidays.filter((_, j) => j !== i))}>
                  <IconTrash size={16} />
                </ActionIcon>
              </Group>
            )
          })}
          {holidays.length === 0 && (
            <Text size="sm" c="dimmed">
              {t('hours.noHolidays')}
            </Text>
          )}
          {can && (
            <Group>
              <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setHolidays([...holidays, { date: '', name: '', slots: [] }])}>
                {t('hours.addHoliday')}
              </Button>
            </Group>
          )}
          <Refusal error={save.error} fields={['timezone']} />
          {can && (
            <Group mt="sm">
              <Button type="submit" loading={save.isPending}>
                {t('common:save')}
              </Button>
            </Group>
          )}
        </Stack>
      </Block>
    </form>
  )
}

function Slots({ of, label, disabled, onChange }: { of: Slot[]; label: string; disabled: boolean; onChange: (s: Slot[]) => void }) {
  const { t } = useWords()
  const put = (i: number, change: Partial<Slot>) => onChange(of.map((s, j) => (j === i ? { ...s, ...change } : s)))
  return (
    <Stack gap={4}>
      {of.map((s, i) => (
        <Group key={i} gap={6} wrap="nowrap">
          <TextInput type="time" aria-label={t('hours.from', { day: label })} value={s.from} disabled={disabled} onChange={(e) => put(i, { from: e.currentTarget.value })} />
          <span aria-hidden>–</span>
          <TextInput type="time" aria-label={t('hours.until', { day: label })} value={s.until} disabled={disabled} onChange={(e) => put(i, { until: e.currentTarget.value })} />
          <ActionIcon variant="subtle" color="gray" disabled={disabled} aria-label={t('hours.removeSlot', { day: label })} onClick={() => onChange(of.filter((_, j) => j !== i))}>
            <IconTrash size={15} />
          </ActionIcon>
          {i === of.length - 1 && (
            <ActionIcon variant="subtle" color="gray" disabled={disabled} aria-label={t('hours.addSlot', { day: label })} onClick={() => onChange([...of, { from: '19:00', until: '21:00' }])}>
              <IconPlus size={15} />
            </ActionIcon>
          )}
        </Group>
      ))}
    </Stack>
  )
}
