import { Menu, UnstyledButton } from '@mantine/core'
import { IconCheck, IconFilter, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useChannelName } from '../../ui/Channel'
import { channels, intents, priorities, sentiments, type Filter } from './filter'
import classes from './List.module.css'

/** What the list is narrowed to, beside whose and which status. */
export function Filters({ filter: f, set, on, labels }: { filter: Filter; set: (f: Partial<Filter>) => void; on: number; labels: string[] }) {
  const { t } = useTranslation(['inbox', 'common'])
  const channelName = useChannelName()
  const pick = (change: Partial<Filter>) => set({ ...change, view: undefined })
  return (
    <>
      <Menu position="bottom-start" withinPortal width={200} closeOnItemClick>
        <Menu.Target>
          <UnstyledButton className={classes.tool} data-on={on > 0 || undefined}>
            <IconFilter size={14} aria-hidden /> {t('filter.open')}
            {on > 0 && <b>{on}</b>}
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item rightSection={f.unread ? <IconCheck size={14} /> : undefined} onClick={() => pick({ unread: f.unread ? undefined : true })}>
            {t('filter.unread')}
          </Menu.Item>
          <Sub label={t('filter.channel')} value={f.channel} options={channels.map((c) => [c, channelName(c)])} pick={(channel) => pick({ channel })} />
          <Sub label={t('priority.label')} value={f.priority} options={priorities.map((p) => [p, t(`priority.${p}`)])} pick={(priority) => pick({ priority })} />
          {labels.length > 0 && <Sub label={t('filter.label')} value={f.label} options={labels.map((l) => [l, l])} pick={(label) => pick({ label })} />}
          <Sub label={t('guess.intent')} value={f.intent} options={intents.map((i) => [i, t(`intent.${i}`)])} pick={(intent) => pick({ intent })} />
          <Sub label={t('guess.sentiment')} value={f.sentiment} options={sentiments.map((s) => [s, t(`sentiment.${s}`)])} pick={(sentiment) => pick({ sentiment })} />
          {on > 0 && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconX size={14} />} onClick={() => pick({ channel: undefined, label: undefined, priority: undefined, intent: undefined, sentiment: undefined, campaign: undefined, unread: undefined })}>
                {t('filter.clear')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </>
  )
}

function Sub<V extends string>({ label, value, options, pick }: { label: string; value?: V; options: readonly (readonly [V, string])[]; pick: (v?: V) => void }) {
  return (
    <Menu.Sub position="right-start">
      <Menu.Sub.Target>
        <Menu.Sub.Item>
          {label}
          {value !== undefined && `: ${options.find(([v]) => v === value)?.[1] ?? value}`}
        </Menu.Sub.Item>
      </Menu.Sub.Target>
      <Menu.Sub.Dropdown mah={320} style={{ overflowY: 'auto' }}>
        {options.map(([v, name]) => (
          <Menu.Item key={v} rightSection={v === value ? <IconCheck size={14} /> : undefined} onClick={() => pick(v === value ? undefined : v)}>
            {name}
          </Menu.Item>
        ))}
      </Menu.Sub.Dropdown>
    </Menu.Sub>
  )
}
