import { Button, Modal, Stack, TextInput } from '@mantine/core'
import { IconChevronRight, IconPlus, IconWebhook } from '@tabler/icons-react'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { useEvents } from '../../../api/events'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Empty } from '../../../ui/Empty'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Once } from '../kit/Copy'
import { Dialog } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { EventChoice } from './EventChoice'

type View = Schemas['Endpoint']

export function EndpointList() {
  const { t } = useWords()
  const can = useCan()('write:endpoints')
  const go = useNavigate()
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<View>()
  const list = usePages(['endpoints'], (cursor) => need(client.GET('/v1/endpoints', { params: { query: { cursor, limit: 100 } } })))
  useEvents((e) => {
    if (e.type === 'endpoint.disabled') void list.refetch()
  })
  const add = can && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      {t('endpoints.add')}
    </Button>
  )
  const leave = () => {
    if (made) void go({ to: '/settings/$section/$item', params: { section: 'endpoints', item: made.id } })
    setMade(undefined)
  }
  return (
    <Page title={t('sections.endpoints')} about={t('endpoints.about')} actions={add}>
      <Lines
        of={list}
        label={t('sections.endpoints')}
        keyOf={(e) => e.id}
        empty={
          <Empty icon={IconWebhook} title={t('endpoints.none')} action={add}>
            {t('endpoints.noneAbout')}
          </Empty>
        }
      >
        {(e) => (
          <Link to="/settings/$section/$item" params={{ section: 'endpoints', item: e.id }} className={`${kit.plainlink} ${kit.whole}`}>
            <IconWebhook size={20} stroke={1.6} aria-hidden />
            <div className={kit.grow}>
              <div className={kit.name}>{e.url}</div>
              <div className={kit.soft}>
                {e.events.map((x) => (x === '*' ? t('endpoints.everything') : x)).join(', ')}
                {e.enabled && e.failing_since && (
                  <>
                    {' · '}
                    {t('endpoints.failingSince')} <When at={e.failing_since} />
                  </>
                )}
              </div>
            </div>
            <EndpointState of={e} />
            <IconChevronRight size={16} aria-hidden />
          </Link>
        )}
      </Lines>
      {adding && (
        <NewEndpoint
          onClose={() => setAdding(false)}
          onDone={(e) => {
            setAdding(false)
            setMade(e)
          }}
        />
      )}
      <Modal opened={made !== undefined} onClose={leave} title={t('endpoints.made')} closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common:close') }}>
        {made && (
          <Stack>
            <Once label={t('endpoints.secret')} about={t('endpoints.secretAbout')} text={made.secret ?? ''} />
            <Button onClick={leave}>{t('done')}</Button>
          </Stack>
        )}
      </Modal>
    </Page>
  )
}

export function EndpointState({ of: e }: { of: View }) {
  const { t } = useWords()
  const state = !e.enabled ? (e.disabled_for ?? 'by_hand') : e.failing_since ? 'failingNow' : 'enabled'
  return (
    <State color={state === 'enabled' ? 'teal' : state === 'by_hand' ? 'gray' : 'red'}>
      {t(`endpoints.state.${state}`)}
    </State>
  )
}

function NewEndpoint({ onClose, onDone }: { onClose: () => void; onDone: (e: View) => void }) {
  const { t } = useWords()
  const [url, setURL] = useState('')
  const [events, setEvents] = useState<string[]>(['reply.received'])
  const make = useAct(() => need(client.POST('/v1/endpoints', { body: { url, events } })), { quiet: true, refresh: ['endpoints'], then: onDone })
  const wrong = fieldErrors(make.error)
  return (
    <Dialog title={t('endpoints.add')} open onClose={onClose} onSubmit={() => make.mutate(undefined)} act={make} word={t('endpoints.create')} fields={['url', 'events']} disabled={events.length === 0} size="lg">
      <TextInput label={t('endpoints.url')} description={t('endpoints.urlAbout')} type="url" placeholder="https://shop.example/hooks/rapport" required withAsterisk={false} data-autofocus value={url} error={wrong.url} onChange={(e) => setURL(e.currentTarget.value)} />
      <EventChoice value={events} onChange={setEvents} error={wrong.events} />
    </Dialog>
  )
}
