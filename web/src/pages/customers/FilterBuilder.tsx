import { ActionIcon, Button, Menu, MultiSelect, NumberInput, SegmentedControl, Select, TagsInput, Text, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'
import classes from './FilterBuilder.module.css'
import { days, fields, fresh, meant, ops, typed, type Asked, type Field, type Flat, type Question } from './filter'
import { useTopics } from './topics'

export const channels = ['email', 'sms', 'whatsapp', 'telegram', 'webhook'] as const
export const audiences = ['customer', 'employee', 'partner', 'shareholder'] as const

/** Questions that customers must meet, all or any of them. */
export function FilterBuilder({ value, onChange }: { value: Flat; onChange: (f: Flat) => void }) {
  const { t } = useTranslation('customers')
  const change = (i: number, a: Asked) => onChange({ ...value, asked: value.asked.map((old, n) => (n === i ? a : old)) })
  return (
    <div className={classes.builder}>
      {value.asked.length > 1 && (
        <SegmentedControl size="xs" aria-label={t('filter.match')} value={value.match} onChange={(match) => onChange({ ...value, match: match as Flat['match'] })} data={[{ value: 'all', label: t('filter.all') }, { value: 'any', label: t('filter.any') }]} />
      )}
      {value.asked.map((a, i) => (
        <div key={i} className={classes.row} role="group" aria-label={t(`field.${a.question.field as Field}`)}>
          <Text className={classes.field} fw={500}>
            {t(`field.${a.question.field as Field}`)}
          </Text>
          <Ask asked={a} onChange={(next) => change(i, next)} />
          <ActionIcon variant="subtle" color="gray" size="md" aria-label={t('filter.remove', { name: t(`field.${a.question.field as Field}`) })} onClick={() => onChange({ ...value, asked: value.asked.filter((_, n) => n !== i) })}>
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <Menu position="bottom-start" width={240}>
        <Menu.Target>
          <Button variant="subtle" size="compact-sm" leftSection={<IconPlus size={16} />}>
            {t('filter.add')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {fields.map((f) => (
            <Menu.Item key={f} onClick={() => onChange({ ...value, asked: [...value.asked, { not: false, question: fresh(f) }] })}>
              {t(`field.${f}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  )
}

/** The rest of a question: how it is compared, and with what. */
function Ask({ asked: { not, question: q }, onChange }: { asked: Asked; onChange: (a: Asked) => void }) {
  const { t } = useTranslation('customers')
  const name = useChannelName()
  const field = q.field as Field
  const set = (change: Partial<Question>, turned = not) => onChange({ not: turned, question: { ...q, ...change } })
  const how = ops[field].flatMap((op) => [
    { value: op, label: t(`op.${op}` as 'op.in') },
    { value: `not ${op}`, label: t(`op.not_${op}` as 'op.not_in') },
  ])
  const verb = (
    <Select
      aria-label={t('filter.how')}
      className={classes.how}
      allowDeselect={false}
      data={how}
      value={not ? `not ${q.op}` : q.op}
      onChange={(v) => {
        const op = v!.replace('not ', '')
        const value = op === q.op ? q.value : op === 'exists' ? undefined : field === 'attribute' ? q.value : op === 'in' ? [] : typeof q.value === 'string' ? q.value : '30d'
        set({ op, value }, v!.startsWith('not '))
      }}
    />
  )
  const channel = <Select aria-label={t('filter.channel')} className={classes.short} allowDeselect={false} data={channels.map((c) => ({ value: c, label: name(c) }))} value={q.channel} onChange={(c) => set({ channel: c! })} />
  const span = (value: unknown, put: (v: string) => void) => (
    <NumberInput aria-label={t('filter.days')} className={classes.short} min={1} max={3650} allowDecimal={false} suffix={` ${t('filter.day', { count: days(value) })}`} value={days(value)} onChange={(n) => put(`${Number(n) || 1}d`)} />
  )
  if (field === 'channel')
    return (
      <>
        {verb}
        {channel}
      </>
    )
  if (field === 'consent')
    return (
      <>
        {channel}
        <TopicSelect value={q.topic ?? ''} onChange={(topic) => set({ topic: topic || undefined })} />
        <Select aria-label={t('filter.how')} className={classes.how} allowDeselect={false} data={(['granted', 'withdrawn', 'none', 'not_granted', 'not_withdrawn', 'not_none'] as const).map((v) => ({ value: v, label: t(`consentIs.${v}`) }))} value={`${not ? 'not_' : ''}${String(q.value)}`} onChange={(v) => set({ value: v!.replace('not_', '') }, v!.startsWith('not_'))} />
      </>
    )
  if (field === 'event')
    return (
      <>
        {verb}
        <TextInput aria-label={t('filter.event')} placeholder={t('filter.eventHint')} value={q.type ?? ''} onChange={(e) => set({ type: e.currentTarget.value })} />
        <NumberInput aria-label={t('filter.min')} className={classes.short} min={1} max={1000} allowDecimal={false} prefix="≥ " value={q.min ?? 1} onChange={(n) => set({ min: Number(n) || 1 })} />
        {span(q.within, (within) => set({ within }))}
      </>
    )
  const input =
    q.op === 'exists' ? null : q.op === 'within' || q.op === 'beyond' ? (
      span(q.value, (value) => set({ value }))
    ) : field === 'audience' ? (
      <MultiSelect aria-label={t('filter.value')} className={classes.value} data={audiences.map((a) => ({ value: a, label: t(`audience.${a}`) }))} value={q.value as string[]} onChange={(value) => set({ value })} />
    ) : field === 'attribute' ? (
      <TextInput aria-label={t('filter.value')} placeholder={t('filter.valueHint')} value={typed(q.value)} onChange={(e) => set({ value: meant(e.currentTarget.value) })} />
    ) : (
      <TagsInput aria-label={t('filter.value')} className={classes.value} placeholder={(q.value as string[]).length === 0 ? (field === 'locale' ? 'lv, en, pt-BR' : 'Europe/Riga') : undefined} data={field === 'locale' ? ['en', 'ru', 'lv', 'de', 'fr', 'es'] : []} value={q.value as string[]} onChange={(value) => set({ value })} />
    )
  return (
    <>
      {field === 'attribute' && <TextInput aria-label={t('filter.attribute')} placeholder={t('filter.attributeHint')} value={q.name ?? ''} onChange={(e) => set({ name: e.currentTarget.value })} />}
      {verb}
      {input}
    </>
  )
}

export function TopicSelect({ value, onChange, label }: { value: string; onChange: (topic: string) => void; label?: string }) {
  const { t } = useTranslation('customers')
  const topics = useTopics()
  const data = [{ value: '', label: t('topic.none') }, ...topics.list.map((x) => ({ value: x.key, label: topics.title(x.key) }))]
  if (value && !data.some((d) => d.value === value)) data.push({ value, label: value })
  return <Select aria-label={label ? undefined : t('filter.topic')} label={label} allowDeselect={false} data={data} value={value} onChange={(v) => onChange(v ?? '')} />
}
