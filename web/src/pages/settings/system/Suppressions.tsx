import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconBan, IconPlus, IconSearch, IconUpload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors, isProblem } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { useChannelName } from '../../../ui/Channel'
import { confirm } from '../../../ui/confirm'
import { Empty } from '../../../ui/Empty'
import { Page } from '../../../ui/Page'
import { Rows } from '../../../ui/Rows'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Dialog } from '../kit/Dialog'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { SuppressionImport } from './SuppressionImport'

type Suppression = Schemas['Suppression']
export const channels = ['email', 'sms', 'whatsapp', 'telegram', 'webhook'] as const
export type Channel = (typeof channels)[number]

/** Addresses that nothing, or no marketing, may be sent to. */
export default function Suppressions() {
  const { t } = useWords()
  const can = useCan()('write:suppressions')
  const channelName = useChannelName()
  const [channel, setChannel] = useState<Channel>('email')
  const [text, setText] = useState('')
  const [address] = useDebouncedValue(text.trim(), 300)
  const [adding, setAdding] = useState(false)
  const [importing, setImporting] = useState(false)
  const list = usePages(['suppressions', channel], (cursor) => need(client.GET('/v1/suppressions/{channel}', { params: { path: { channel }, query: { cursor, limit: 50 } } })), { idOf: (s) => s.address || s.at })
  const found = useQuery({
    queryKey: ['suppressions', channel, address],
    enabled: address !== '',
    queryFn: async (): Promise<Suppression | null> => {
      try {
        return await need(client.GET('/v1/suppressions/{channel}/{address}', { params: { path: { channel, address } } }))
      } catch (e) {
        // Not forbidden, or no address of this channel at all (yet): there is nothing to show.
        if (isProblem(e) && (e.status === 404 || e.status === 422)) return null
        throw e
      }
    },
  })
  const allow = useAct((s: Suppression) => need(client.DELETE('/v1/suppressions/{channel}/{address}', { params: { path: { channel, address: s.address ?? '' } } })), { refresh: ['suppressions'], said: t('suppressions.allowed') })
  const add = can && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      {t('suppressions.add')}
    </Button>
  )
  const line = (s: Suppression) => <Line of={s} onAllow={can && s.address ? () => confirm({ title: t('suppressions.allow'), about: t('suppressions.allowAsk', { address: s.address }), act: t('suppressions.allow'), onYes: () => allow.mutate(s) }) : undefined} />
  return (
    <Page title={t('sections.suppressions')} about={t('suppressions.about')} actions={can && (
        <>
          <Button variant="default" leftSection={<IconUpload size={16} />} onClick={() => setImporting(true)}>
            {t('suppressions.import')}
          </Button>
          {add}
        </>
      )}>
      <div className={kit.filters}>
        <SegmentedControl className={kit.wide} aria-label={t('suppressions.channel')} value={channel} onChange={(v) => setChannel(v as Channel)} data={channels.map((value) => ({ value, label: channelName(value) }))} />
        <TextInput leftSection={<IconSearch size={16} />} aria-label={t('suppressions.search')} placeholder={t('suppressions.search')} value={text} onChange={(e) => setText(e.currentTarget.value)} />
      </div>
      {address ? (
        <Answer of={found}>{(s) => <div role="status">{s ? line(s) : <Empty icon={IconBan} title={t('suppressions.notThere', { address })} action={add} />}</div>}</Answer>
      ) : (
        <Answer of={list}>
          {() =>
            list.rows.length === 0 ? (
              <Empty icon={IconBan} title={t('suppressions.none')}>
                {t('suppressions.noneAbout')}
              </Empty>
            ) : (
              <div className={kit.rows}>
                <Rows rows={list.rows} keyOf={(s) => s.address || s.at} height={60} label={t('sections.suppressions')} more={list.more} row={line} />
              </div>
            )
          }
        </Answer>
      )}
      {importing && <SuppressionImport channel={channel} onClose={() => setImporting(false)} />}
      {adding && <Add channel={channel} address={address} onClose={() => setAdding(false)} />}
    </Page>
  )
}

function Line({ of: s, onAllow }: { of: Suppression; onAllow?: () => void }) {
  const { t, word } = useWords()
  return (
    <div className={kit.row}>
      <div className={kit.grow}>
        <div className={kit.name}>{s.address || t('suppressions.erased')}</div>
        <div className={kit.soft}>
          {word('suppressed', s.reason)}
          {s.source && <> · {s.source}</>} · <When at={s.at} as="full" />
        </div>
      </div>
      <div className={kit.end}>
        <State color={s.scope === 'all' ? 'red' : 'yellow'}>
          {t(`suppressions.scope.${s.scope}`)}
        </State>
        {onAllow && (
          <Button size="xs" variant="default" onClick={onAllow} aria-label={t('suppressions.allowOne', { address: s.address })}>
            {t('suppressions.allow')}
          </Button>
        )}
      </div>
    </div>
  )
}

function Add({ channel: first, address: typed, onClose }: { channel: Channel; address: string; onClose: () => void }) {
  const { t } = useWords()
  const channelName = useChannelName()
  const [channel, setChannel] = useState<Channel>(first)
  const [address, setAddress] = useState(typed)
  const [scope, setScope] = useState<'all' | 'marketing'>('all')
  const [source, setSource] = useState('')
  const add = useAct(() => need(client.PUT('/v1/suppressions/{channel}/{address}', { params: { path: { channel, address } }, body: { scope, source: source || undefined } })), { quiet: true, refresh: ['suppressions'], said: t('common:saved'), then: onClose })
  const wrong = fieldErrors(add.error)
  return (
    <Dialog title={t('suppressions.add')} open onClose={onClose} onSubmit={() => add.mutate(undefined)} act={add} word={t('suppressions.add')} fields={['address', 'path.address', 'source']}>
      <Select label={t('suppressions.channel')} allowDeselect={false} value={channel} data={channels.map((value) => ({ value, label: channelName(value) }))} onChange={(v) => v && setChannel(v as Channel)} />
      <TextInput label={t('suppressions.address')} required withAsterisk={false} data-autofocus value={address} error={wrong.address ?? wrong['path.address']} onChange={(e) => setAddress(e.currentTarget.value)} />
      <Select label={t('suppressions.scopeLabel')} allowDeselect={false} value={scope} data={(['all', 'marketing'] as const).map((value) => ({ value, label: t(`suppressions.scope.${value}`) }))} onChange={(v) => v && setScope(v as typeof scope)} />
      <TextInput label={t('suppressions.why')} description={t('suppressions.whyAbout')} value={source} error={wrong.source} onChange={(e) => setSource(e.currentTarget.value)} />
    </Dialog>
  )
}
