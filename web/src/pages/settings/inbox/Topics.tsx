import { ActionIcon, Button, Group, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { IconBell, IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan, useSession } from '../../../api/session'
import { Empty } from '../../../ui/Empty'
import { Page } from '../../../ui/Page'
import { useAct } from '../kit/act'
import { Dialog } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

type Topic = Schemas['Topic']
const policies = ['opt_in', 'opt_out', 'none'] as const

/** What customers can want or not want to hear about. */
export default function Topics() {
  const { t, i18n } = useWords()
  const can = useCan()('write:topics')
  const [open, setOpen] = useState<Topic | 'new'>()
  const list = usePages(['topics'], (cursor) => need(client.GET('/v1/topics', { params: { query: { cursor, limit: 100 } } })), { idOf: (x) => x.key })
  const add = can && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen('new')}>
      {t('topics.add')}
    </Button>
  )
  return (
    <Page title={t('sections.topics')} about={t('topics.about')} actions={add}>
      <Lines
        of={list}
        label={t('sections.topics')}
        keyOf={(x) => x.key}
        empty={
          <Empty icon={IconBell} title={t('topics.none')} action={add}>
            {t('topics.noneAbout')}
          </Empty>
        }
      >
        {(x) => (
          <>
            <div className={kit.grow}>
              <div className={kit.name}>
                {x.title[i18n.language] ?? Object.values(x.title)[0] ?? x.key}{' '}
                {x.implicit && (
                  <State size="sm" color="yellow">
                    {t('topics.implicit')}
                  </State>
                )}
              </div>
              <div className={kit.soft}>
                <span className={kit.mono}>{x.key}</span> · {t(`topics.policy.${x.policy}`)}
                {x.track_opens && <> · {t('topics.opens')}</>}
                {x.track_clicks && <> · {t('topics.clicks')}</>}
              </div>
            </div>
            {can && (
              <Button size="xs" variant="default" onClick={() => setOpen(x)} aria-label={t('editOne', { name: x.key })}>
                {t('common:edit')}
              </Button>
            )}
          </>
        )}
      </Lines>
      {open && <Edit topic={open === 'new' ? undefined : open} onClose={() => setOpen(undefined)} />}
    </Page>
  )
}

function Edit({ topic, onClose }: { topic?: Topic; onClose: () => void }) {
  const { t } = useWords()
  const { settings } = useSession()
  const [key, setKey] = useState(topic?.key ?? '')
  const [policy, setPolicy] = useState<(typeof policies)[number]>(topic?.policy ?? 'opt_in')
  const [titles, setTitles] = useState<[string, string][]>(() => {
    const had = Object.entries(topic?.title ?? {})
    return had.length > 0 ? had : [[settings.default_locale || 'en', '']]
  })
  const [opens, setOpens] = useState(topic?.track_opens ?? false)
  const [clicks, setClicks] = useState(topic?.track_clicks ?? false)
  const save = useAct(
    () => need(client.PUT('/v1/topics/{key}', { params: { path: { key } }, body: { policy, title: Object.fromEntries(titles.filter(([l, x]) => l.trim() && x.trim())), track_opens: opens, track_clicks: clicks } })),
    { quiet: true, refresh: ['topics'], said: t('common:saved'), then: onClose },
  )
  const wrong = fieldErrors(save.error)
  const put = (i: number, to: [string, string]) => setTitles(titles.map((x, j) => (j === i ? to : x)))
  return (
    <Dialog title={topic ? t('topics.edit', { key }) : t('topics.add')} open onClose={onClose} onSubmit={() => save.mutate(undefined)} act={save} word={t('common:save')} fields={['key', 'policy']} size="lg">
      {!topic && <TextInput label={t('topics.key')} description={t('topics.keyAbout')} required withAsterisk={false} data-autofocus value={key} error={wrong.key} onChange={(e) => setKey(e.currentTarget.value)} />}
      <Select label={t('topics.policyLabel')} description={t(`topics.policyAbout.${policy}`)} allowDeselect={false} value={policy} error={wrong.policy} data={policies.map((value) => ({ value, label: t(`topics.policy.${value}`) }))} onChange={(v) => v && setPolicy(v as typeof policy)} />
      <Stack gap={6}>
        <Text size="sm" fw={500}>
          {t('topics.titles')}
        </Text>
        <Text size="xs" c="dimmed">
          {t('topics.titlesAbout')}
        </Text>
        {titles.map(([locale, title], i) => (
          <Group key={i} gap="xs" wrap="nowrap">
            <TextInput w={80} aria-label={t('locale')} value={locale} onChange={(e) => put(i, [e.currentTarget.value, title])} />
            <TextInput flex={1} aria-label={t('topics.titleIn', { locale })} value={title} onChange={(e) => put(i, [locale, e.currentTarget.value])} />
            <ActionIcon variant="subtle" color="gray" aria-label={t('removeOne', { name: locale })} onClick={() => setTitles(titles.filter((_, j) => j !== i))}>
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Group>
          <Button size="xs" variant="subtle" leftSection={<IconPlus size={14} />} onClick={() => setTitles([...titles, [titles.some(([l]) => l === 'ru') ? '' : 'ru', '']])}>
            {t('addLanguage')}
          </Button>
        </Group>
      </Stack>
      <Switch label={t('topics.trackOpens')} description={t('topics.trackOpensAbout')} checked={opens} onChange={(e) => setOpens(e.currentTarget.checked)} />
      <Switch label={t('topics.trackClicks')} checked={clicks} onChange={(e) => setClicks(e.currentTarget.checked)} />
    </Dialog>
  )
}
