import { FileButton, Button, Group, Progress, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { IconFile } from '@tabler/icons-react'
import { useState } from 'react'
import { client } from '../../../api/client'
import { need } from '../../../api/pages'
import { problemOf } from '../../../api/problem'
import { useChannelName } from '../../../ui/Channel'
import { useFormat } from '../../../ui/format'
import { useAct } from '../kit/act'
import { Dialog } from '../kit/Dialog'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { addressesOf, most } from './addresses'
import { channels, type Channel } from './Suppressions'

type Refused = { address: string; why: string }

/** Many addresses at once, as another program exports them: each is forbidden by itself, so what is refused stops nothing. */
export function SuppressionImport({ channel: first, onClose }: { channel: Channel; onClose: () => void }) {
  const { t } = useWords()
  const format = useFormat()
  const channelName = useChannelName()
  const [channel, setChannel] = useState<Channel>(first)
  const [scope, setScope] = useState<'all' | 'marketing'>('all')
  const [text, setText] = useState('')
  const [source, setSource] = useState('')
  const [done, setDone] = useState(0)
  const [refused, setRefused] = useState<Refused[]>([])
  const list = addressesOf(text)
  const run = useAct(
    async () => {
      setDone(0)
      setRefused([])
      const left = [...list]
      const work = async () => {
        for (let address = left.shift(); address !== undefined; address = left.shift()) {
          try {
            await need(client.PUT('/v1/suppressions/{channel}/{address}', { params: { path: { channel, address } }, body: { scope, source: source || undefined } }))
          } catch (e) {
            const p = problemOf(e)
            if (p.status !== 422) throw e // a wrong address is one line; anything else is everybody's
            const why = p.errors?.[0]?.message ?? p.detail ?? p.title
            setRefused((r) => [...r, { address: address!, why }])
          }
          setDone((n) => n + 1)
        }
      }
      await Promise.all([work(), work(), work(), work()])
    },
    { quiet: true, refresh: ['suppressions'] },
  )
  const over = run.isSuccess
  return (
    <Dialog title={t('suppressions.import')} open onClose={onClose} onSubmit={() => (over ? onClose() : run.mutate(undefined))} act={run} word={over ? t('done') : t('suppressions.importAct', { count: list.length, n: format.number(list.length) })} size="lg" disabled={list.length === 0 || list.length > most}>
      <Group grow>
        <Select label={t('suppressions.channel')} allowDeselect={false} value={channel} data={channels.map((value) => ({ value, label: channelName(value) }))} onChange={(v) => v && setChannel(v as Channel)} />
        <Select label={t('suppressions.scopeLabel')} allowDeselect={false} value={scope} data={(['all', 'marketing'] as const).map((value) => ({ value, label: t(`suppressions.scope.${value}`) }))} onChange={(v) => v && setScope(v as typeof scope)} />
      </Group>
      <Textarea label={t('suppressions.addresses')} description={t('suppressions.addressesAbout')} autosize minRows={6} maxRows={14} data-autofocus value={text} onChange={(e) => setText(e.currentTarget.value)} error={list.length > most && t('suppressions.tooMany', { count: most, n: format.number(most) })} spellCheck={false} />
      <Group>
        <FileButton accept=".csv,.txt,text/csv,text/plain" onChange={(f) => f && void f.text().then(setText)}>
          {(props) => (
            <Button {...props} size="xs" variant="default" leftSection={<IconFile size={14} />}>
              {t('suppressions.file')}
            </Button>
          )}
        </FileButton>
      </Group>
      <TextInput label={t('suppressions.why')} description={t('suppressions.whyAbout')} value={source} onChange={(e) => setSource(e.currentTarget.value)} />
      {run.isPending && <Progress value={(100 * done) / Math.max(1, list.length)} aria-label={t('suppressions.import')} />}
      <div role="status">
        {over && (
          <Stack gap={4}>
            <Text size="sm">{t('suppressions.imported', { count: done - refused.length, n: format.number(done - refused.length) })}</Text>
            {refused.slice(0, 20).map((r) => (
              <div key={r.address} className={kit.trouble}>
                {r.address}: {r.why}
              </div>
            ))}
            {refused.length > 20 && <Text size="sm">{t('suppressions.moreRefused', { count: refused.length - 20, n: format.number(refused.length - 20) })}</Text>}
          </Stack>
        )}
      </div>
    </Dialog>
  )
}
