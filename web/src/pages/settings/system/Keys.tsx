import { Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { confirm } from '../../../ui/confirm'
import { Empty } from '../../../ui/Empty'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Once } from '../kit/Copy'
import { Dialog } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { ScopeMatrix } from './ScopeMatrix'
import type { Scope } from './vocabulary'

type Key = Schemas['Key']

/** Keys that programs use the API with. */
export default function Keys() {
  const { t } = useWords()
  const format = useFormat()
  const can = useCan()('write:keys')
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<Key>()
  const [revoked, setRevoked] = useState(false)
  const list = usePages(['keys'], (cursor) => need(client.GET('/v1/keys', { params: { query: { cursor, limit: 100 } } })))
  const revoke = useAct((id: string) => need(client.DELETE('/v1/keys/{id}', { params: { path: { id } } })), { refresh: ['keys'], said: t('keys.revokedNow') })
  const add = can && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      {t('keys.add')}
    </Button>
  )
  const now = new Date()
  const dead = (k: Key) => k.revoked_at !== undefined || (k.expires_at !== undefined && new Date(k.expires_at) < now)
  const shown = { ...list, rows: revoked ? list.rows : list.rows.filter((k) => !dead(k)) }
  return (
    <Page title={t('sections.keys')} about={t('keys.about')} actions={add}>
      {list.rows.some(dead) && <Checkbox mb="sm" label={t('keys.showRevoked')} checked={revoked} onChange={(e) => setRevoked(e.currentTarget.checked)} />}
      <Lines
        of={shown}
        label={t('sections.keys')}
        keyOf={(k) => k.id}
        empty={
          <Empty icon={IconKey} title={t('keys.none')} action={add}>
            {t('keys.noneAbout')}
          </Empty>
        }
      >
        {(k) => (
          <>
            <IconKey size={20} stroke={1.6} aria-hidden />
            <div className={kit.grow}>
              <div className={kit.name}>
                {k.name} <span className={kit.mono}>{k.hint}…</span>
              </div>
              <div className={kit.soft}>
                {(k.scopes ?? []).map((s) => (s === '*' ? t('keys.everything') : s === 'read:*' ? t('keys.readEverything') : s)).join(', ')}
              </div>
              <div className={kit.soft}>
                {k.used_at ? (
                  <>
                    {t('keys.used')} <When at={k.used_at} />
                  </>
                ) : (
                  t('keys.unused')
                )}
                {k.expires_at && <> · {t('keys.until', { at: format.full(k.expires_at) })}</>}
              </div>
            </div>
            <div className={kit.end}>
              {k.revoked_at ? (
                <State color="gray">
                  {t('keys.revoked')}
                </State>
              ) : dead(k) ? (
                <State color="gray">
                  {t('keys.expired')}
                </State>
              ) : (
                can && (
                  <Button size="xs" variant="default" aria-label={t('keys.revokeOne', { name: k.name })} onClick={() => confirm({ title: t('keys.revokeOne', { name: k.name }), about: t('keys.revokeAsk'), act: t('keys.revoke'), onYes: () => revoke.mutate(k.id) })}>
                    {t('keys.revoke')}
                  </Button>
                )
              )}
            </div>
          </>
        )}
      </Lines>
      {adding && (
        <NewKey
          onClose={() => setAdding(false)}
          onDone={(k) => {
            setAdding(false)
            setMade(k)
          }}
        />
      )}
      <Modal opened={made !== undefined} onClose={() => setMade(undefined)} title={t('keys.made')} closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common:close') }}>
        {made && (
          <Stack>
            <Once label={made.name} about={t('once')} text={made.key ?? ''} />
            <Button onClick={() => setMade(undefined)}>{t('done')}</Button>
          </Stack>
        )}
      </Modal>
    </Page>
  )
}

const lives = ['never', '30', '90', '365'] as const

function NewKey({ onClose, onDone }: { onClose: () => void; onDone: (k: Key) => void }) {
  const { t } = useWords()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<string[]>([])
  const [life, setLife] = useState<(typeof lives)[number]>('never')
  const make = useAct(() => need(client.POST('/v1/keys', { body: { name, scopes: scopes as Scope[], expires_at: life === 'never' ? undefined : new Date(Date.now() + Number(life) * 86_400_000).toISOString() } })), { quiet: true, refresh: ['keys'], then: onDone })
  const wrong = fieldErrors(make.error)
  return (
    <Dialog title={t('keys.add')} open onClose={onClose} onSubmit={() => make.mutate(undefined)} act={make} word={t('keys.create')} fields={['name']} size="lg" disabled={scopes.length === 0}>
      <Group grow align="flex-start">
        <TextInput label={t('keys.name')} description={t('keys.nameAbout')} required withAsterisk={false} data-autofocus value={name} error={wrong.name} onChange={(e) => setName(e.currentTarget.value)} />
        <Select label={t('keys.life')} description={t('keys.lifeAbout')} allowDeselect={false} value={life} data={lives.map((value) => ({ value, label: value === 'never' ? t('keys.never') : t('keys.days', { count: Number(value) }) }))} onChange={(v) => v && setLife(v as typeof life)} />
      </Group>
      <div>
        <Text size="sm" fw={500}>
          {t('keys.scopes')}
        </Text>
        <Text size="xs" c="dimmed" mb={6}>
          {t('keys.scopesAbout')}
        </Text>
        <ScopeMatrix value={scopes} onChange={setScopes} />
      </div>
    </Dialog>
  )
}
