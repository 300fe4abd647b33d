import { ActionIcon, Alert, Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { IconMessageBolt, IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { useChannelName } from '../../../ui/Channel'
import { confirm } from '../../../ui/confirm'
import { Empty } from '../../../ui/Empty'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { useAct } from '../kit/act'
import { Dialog } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

type Reply = Schemas['Canned']

/** Answers that agents need again and again; in the inbox they come by "/". */
export default function CannedReplies() {
  const { t } = useWords()
  const can = useCan()('write:threads')
  const [open, setOpen] = useState<Reply | 'new'>()
  const list = usePages(['canned', 'list'], (cursor) => need(client.GET('/v1/canned', { params: { query: { cursor, limit: 100 } } })), { idOf: (c) => c.key })
  const remove = useAct((key: string) => need(client.DELETE('/v1/canned/{key}', { params: { path: { key } } })), { refresh: ['canned'], said: t('deleted') })
  const add = can && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen('new')}>
      {t('canned.add')}
    </Button>
  )
  return (
    <Page title={t('sections.canned')} about={t('canned.about')} actions={add}>
      <Lines
        of={list}
        label={t('sections.canned')}
        keyOf={(c) => c.key}
        empty={
          <Empty icon={IconMessageBolt} title={t('canned.none')} action={add}>
            {t('canned.noneAbout')}
          </Empty>
        }
      >
        {(c) => (
          <>
            <div className={kit.grow}>
              <div className={kit.name}>
                {c.title} <span className={kit.mono}>/{c.key}</span>
              </div>
              <Text size="sm" c="dimmed" lineClamp={1}>
                {c.bodies[0]?.text}
              </Text>
            </div>
            <div className={kit.end}>
              <span className={kit.soft}>{c.bodies.map((b) => b.locale || t('canned.all')).join(', ')}</span>
              {can && (
                <>
                  <Button size="xs" variant="default" onClick={() => setOpen(c)} aria-label={t('editOne', { name: c.title })}>
                    {t('common:edit')}
                  </Button>
                  <ActionIcon variant="subtle" color="red" aria-label={t('removeOne', { name: c.title })} onClick={() => confirm({ title: t('removeOne', { name: c.title }), about: t('canned.removeAsk'), act: t('common:delete'), onYes: () => remove.mutate(c.key) })}>
                    <IconTrash size={16} />
                  </ActionIcon>
                </>
              )}
            </div>
          </>
        )}
      </Lines>
      {open && <Edit reply={open === 'new' ? undefined : open} onClose={() => setOpen(undefined)} />}
    </Page>
  )
}

function Edit({ reply, onClose }: { reply?: Reply; onClose: () => void }) {
  const { t } = useWords()
  const [key, setKey] = useState(reply?.key ?? '')
  const [title, setTitle] = useState(reply?.title ?? '')
  const [bodies, setBodies] = useState<{ locale: string; text: string }[]>(reply?.bodies.map((b) => ({ locale: b.locale ?? '', text: b.text })) ?? [{ locale: '', text: '' }])
  const [saved, setSaved] = useState(reply !== undefined)
  const save = useAct(() => need(client.PUT('/v1/canned/{key}', { params: { path: { key } }, body: { title, bodies } })), { quiet: true, refresh: ['canned'], said: t('common:saved'), then: () => setSaved(true) })
  const wrong = fieldErrors(save.error)
  const put = (i: number, change: Partial<(typeof bodies)[number]>) => {
    setSaved(false)
    setBodies(bodies.map((b, j) => (j === i ? { ...b, ...change } : b)))
  }
  return (
    <Dialog title={reply ? t('editOne', { name: reply.title }) : t('canned.add')} open onClose={onClose} onSubmit={() => save.mutate(undefined)} act={save} word={t('common:save')} fields={['key', 'title', ...bodies.map((_, i) => `bodies[${i}].text`)]} size="xl">
      <Group grow align="flex-start">
        <TextInput label={t('canned.title')} required withAsterisk={false} data-autofocus value={title} error={wrong.title} onChange={(e) => setTitle(e.currentTarget.value)} />
        <TextInput label={t('canned.key')} leftSection="/" required withAsterisk={false} disabled={reply !== undefined} value={key} error={wrong.key} onChange={(e) => setKey(e.currentTarget.value)} />
      </Group>
      {bodies.map((b, i) => (
        <Stack key={i} gap={4}>
          <Group justify="space-between" align="flex-end">
            <TextInput w={180} size="xs" label={t('locale')} placeholder={t('canned.all')} value={b.locale} onChange={(e) => put(i, { locale: e.currentTarget.value })} />
            {bodies.length > 1 && (
              <ActionIcon variant="subtle" color="gray" aria-label={t('removeOne', { name: b.locale || t('canned.all') })} onClick={() => setBodies(bodies.filter((_, j) => j !== i))}>
                <IconTrash size={16} />
              </ActionIcon>
            )}
          </Group>
          <Textarea aria-label={t('canned.textIn', { locale: b.locale || t('canned.all') })} autosize minRows={4} maxRows={14} required value={b.text} error={wrong[`bodies[${i}].text`] ?? wrong[`bodies.${i}.text`]} placeholder="{{ customer.name }}" onChange={(e) => put(i, { text: e.currentTarget.value })} />
        </Stack>
      ))}
      <Text size="xs" c="dimmed">
        {t('canned.liquid', { open: '{{', close: '}}' })}
      </Text>
      <Group>
        <Button size="xs" variant="subtle" leftSection={<IconPlus size={14} />} onClick={() => setBodies([...bodies, { locale: '', text: '' }])}>
          {t('addLanguage')}
        </Button>
      </Group>
      <Preview of={key} saved={saved} />
    </Dialog>
  )
}

/** The saved text as a customer of a thread would get it. */
function Preview({ of: key, saved }: { of: string; saved: boolean }) {
  const { t } = useWords()
  const channelName = useChannelName()
  const format = useFormat()
  const [thread, setThread] = useState<string | null>(null)
  const threads = usePages(['threads', 'for canned'], (cursor) => need(client.GET('/v1/threads', { params: { query: { cursor, limit: 20 } } })))
  const render = useAct((id: string) => need(client.POST('/v1/canned/{key}/render', { params: { path: { key } }, body: { thread: id } })))
  const r = render.data
  return (
    <Stack gap="xs">
      <Group align="flex-end" gap="xs">
        <Select flex={1} miw={200} size="xs" label={t('canned.preview')} placeholder={t('canned.previewAs')} searchable disabled={!saved} description={saved ? undefined : t('canned.saveFirst')} value={thread} onChange={setThread} data={threads.rows.map((x) => ({ value: x.id, label: `${x.customer_name || x.id} – ${x.subject || channelName(x.channel)}` }))} />
        <Button size="xs" variant="default" disabled={!saved || !thread} loading={render.isPending} onClick={() => thread && render.mutate(thread)}>
          {t('canned.show')}
        </Button>
      </Group>
      <div aria-live="polite">
        {r && (
          <Stack gap={6}>
            <div className={kit.text} data-box>
              {r.text}
            </div>
            {r.missing.length > 0 && (
              <Alert variant="light" color="yellow">
                {t('canned.missing', { names: r.missing.join(', ') })}
              </Alert>
            )}
            <Text size="xs" c="dimmed">
              {[r.locale, channelName(r.channel), r.sms && t('canned.segments', { count: r.sms.segments, n: format.number(r.sms.segments) })].filter(Boolean).join(' · ')}
            </Text>
          </Stack>
        )}
      </div>
    </Stack>
  )
}
