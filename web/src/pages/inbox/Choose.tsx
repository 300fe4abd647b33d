import { Button, Group, Menu, Modal, ScrollArea, TextInput } from '@mantine/core'
import { IconCalendarClock, IconCheck, IconSettings } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { useCan, useSession } from '../../api/session'
import { FocusBack } from '../../ui/focus-back'
import { Face } from '../../ui/Face'
import { useFormat } from '../../ui/format'
import { snoozes } from './change'
import { priorities, type Priority } from './filter'
import { PriorityMark } from './Marks'

const Labels = lazy(() => import('./Labels').then((m) => ({ default: m.Labels })))

export function useAgents() {
  const can = useCan()
  return useQuery({ queryKey: ['agents', 'active'], enabled: can('read:agents'), staleTime: 300_000, queryFn: async () => (await need(client.GET('/v1/agents', { params: { query: { limit: 200 } } }))).data.filter((a) => a.state !== 'disabled') })
}

export function useLabels() {
  return useQuery({ queryKey: ['labels'], staleTime: 60_000, queryFn: async () => (await need(client.GET('/v1/labels', { params: { query: { limit: 500 } } }))).data })
}

type Opening = { opened?: boolean; onChange?: (open: boolean) => void }

/** Who answers: me first, then colleagues, then nobody. */
export function AssigneeMenu({ value, onPick, children, opened, onChange }: { value?: string; onPick: (name: string) => void; children: ReactNode } & Opening) {
  const { t } = useTranslation(['inbox', 'common'])
  const { agent } = useSession()
  const agents = useAgents()
  const [q, setQ] = useState('')
  const mine = agent.name.toLowerCase()
  const names = [agent.name, ...(agents.data ?? []).filter((a) => a.role !== 'viewer').map((a) => a.name).filter((n) => n.toLowerCase() !== mine)].filter((n) => n.toLowerCase().includes(q.trim().toLowerCase()))
  return (
    <Menu width={230} position="bottom-end" withinPortal opened={opened} onChange={onChange} onClose={() => setQ('')}>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        {(agents.data?.length ?? 0) > 6 && <TextInput size="xs" m={4} value={q} onChange={(e) => setQ(e.currentTarget.value)} placeholder={t('common:search')} aria-label={t('common:search')} />}
        <ScrollArea.Autosize mah={280}>
          {names.map((n) => (
            <Menu.Item key={n} leftSection={<Face name={n} size={20} />} rightSection={n.toLowerCase() === value?.toLowerCase() ? <IconCheck size={14} /> : undefined} onClick={() => onPick(n)}>
              {n.toLowerCase() === mine ? t('assign.me', { name: n }) : n}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
        <Menu.Divider />
        <Menu.Item onClick={() => onPick('')} disabled={!value && value !== undefined}>
          {t('assign.nobody')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

export function PriorityMenu({ value, onPick, children, opened, onChange }: { value?: Priority; onPick: (p: Priority) => void; children: ReactNode } & Opening) {
  const { t } = useTranslation(['inbox', 'common'])
  return (
    <Menu width={180} position="bottom-end" withinPortal opened={opened} onChange={onChange}>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        {priorities.map((p) => (
          <Menu.Item key={p} leftSection={<PriorityMark priority={p} />} rightSection={p === value ? <IconCheck size={14} /> : undefined} onClick={() => onPick(p)}>
            {t(`priority.${p}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

/** Labels by ticking; a new one by writing it. */
export function LabelMenu({ value, onPick, children, opened, onChange }: { value: string[]; onPick: (label: string, on: boolean) => void; children: ReactNode } & Opening) {
  const { t } = useTranslation(['inbox', 'common'])
  const labels = useLabels()
  const [q, setQ] = useState('')
  const [managing, setManaging] = useState(false)
  const [own, setOwn] = useState(false)
  const turn = onChange ?? setOwn
  const shut = () => turn(false)
  const wanted = q.trim()
  const has = (l: string) => value.some((v) => v.toLowerCase() === l.toLowerCase())
  const names = [...new Set([...(labels.data ?? []).map((l) => l.name), ...value])].filter((l) => l.toLowerCase().includes(wanted.toLowerCase()))
  const fresh = wanted !== '' && !names.some((l) => l.toLowerCase() === wanted.toLowerCase())
  return (
    <>
    {managing && (
      <Suspense>
        <Labels opened onClose={() => setManaging(false)} />
      </Suspense>
    )}
    <Menu width={230} position="bottom-end" withinPortal closeOnItemClick={false} opened={opened ?? own} onChange={turn} onClose={() => setQ('')}>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        <TextInput
          size="xs"
          m={4}
          maxLength={100}
          data-autofocus
          value={q}
          onChange={(e) => setQ(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && wanted) {
              onPick(names.length === 1 ? names[0]! : wanted, !(names.length === 1 && has(names[0]!)))
              setQ('')
            }
          }}
          placeholder={t('label.find')}
          aria-label={t('label.find')}
        />
        <ScrollArea.Autosize mah={260}>
          {names.map((l) => (
            <Menu.CheckboxItem key={l} checked={has(l)} checkIcon={<IconCheck size={14} />} onChange={(on) => onPick(l, on)}>
              {l}
            </Menu.CheckboxItem>
          ))}
        </ScrollArea.Autosize>
        {fresh && (
          <Menu.Item
            onClick={() => {
              onPick(wanted, true)
              setQ('')
            }}
          >
            {t('label.make', { label: wanted })}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconSettings size={15} />}
          onClick={() => {
            shut()
            setManaging(true)
          }}
        >
          {t('label.manage')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
    </>
  )
}

type Times = { onPick: (until?: string) => void; label?: ReactNode; untilWord?: boolean; width?: number; position?: 'bottom-end' | 'top-end'; children: ReactNode } & Opening

/** Until when: a few usual times, one of one's own, or until the customer writes. */
export function TimeMenu({ onPick, label, untilWord, width = 290, position = 'bottom-end', children, opened, onChange }: Times) {
  const { t } = useTranslation(['inbox', 'common'])
  const format = useFormat()
  const [own, setOwn] = useState(false)
  return (
    <>
      <TimeDialog opened={own} onClose={() => setOwn(false)} title={t('snooze.own')} onPick={(at) => { setOwn(false); onPick(at) }} />
      <Menu width={width} position={position} withinPortal opened={opened} onChange={onChange}>
        <Menu.Target>{children}</Menu.Target>
        <Menu.Dropdown>
          {label && <Menu.Label>{label}</Menu.Label>}
          {snoozes().map((s) => (
            <Menu.Item key={s.word} rightSection={<small>{format.brief(s.at)}{s.word === 'tomorrow' || s.word === 'monday' ? ` ${format.clock(s.at)}` : ''}</small>} onClick={() => onPick(s.at.toISOString())}>
              {t(`snooze.${s.word}`)}
            </Menu.Item>
          ))}
          {untilWord && <Menu.Item onClick={() => onPick(undefined)}>{t('snooze.word')}</Menu.Item>}
          <Menu.Divider />
          <Menu.Item leftSection={<IconCalendarClock size={16} />} onClick={() => setOwn(true)}>
            {t('snooze.own')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  )
}

function TimeDialog({ opened, onClose, title, onPick }: { opened: boolean; onClose: () => void; title: string; onPick: (at: string) => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const [value, setValue] = useState('')
  const [was, setWas] = useState(opened)
  if (was !== opened) {
    setWas(opened)
    setValue('')
  }
  const at = new Date(value)
  const ahead = at.getTime() - Date.now()
  const far = ahead > 365 * 86_400_000 // the API's bound, too
  const good = value !== '' && ahead > 0 && !far
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="sm" closeButtonProps={{ 'aria-label': t('common:close') }}>
      <FocusBack />
      <form
        onSubmit={(e) => {
          e.preventDefault()
          e.stopPropagation()
          if (good) onPick(at.toISOString())
        }}
      >
        <TextInput type="datetime-local" label={t('snooze.when')} value={value} onChange={(e) => setValue(e.currentTarget.value)} error={value !== '' && !good ? t(far ? 'snooze.far' : 'snooze.past') : undefined} data-autofocus />
        <Group justify="flex-end" mt="md">
          <Button type="submit" disabled={!good}>
            {t('snooze.set')}
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
