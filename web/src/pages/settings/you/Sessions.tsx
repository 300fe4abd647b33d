import { Button } from '@mantine/core'
import { IconDeviceDesktop, IconDeviceMobile } from '@tabler/icons-react'
import { client } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { confirm } from '../../../ui/confirm'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Lines } from '../kit/Lines'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import { browserOf } from './browser'

/** Where one is signed in. */
export function Sessions() {
  const { t } = useWords()
  const list = usePages(['sessions'], (cursor) => need(client.GET('/v1/sessions', { params: { query: { cursor } } })))
  const end = useAct((id: string) => need(client.DELETE('/v1/sessions/{id}', { params: { path: { id } } })), { refresh: ['sessions'], said: t('sessions.ended') })
  const endAll = useAct(() => need(client.DELETE('/v1/sessions')), { refresh: ['sessions'], said: t('sessions.endedAll') })
  const others = list.rows.filter((s) => !s.current).length
  return (
    <Block title={t('sessions.title')} about={t('sessions.about')}>
      <Lines of={list} label={t('sessions.title')} keyOf={(s) => s.id} empty={null}>
        {(s) => {
          const { name, system, phone } = browserOf(s.browser)
          const Icon = phone ? IconDeviceMobile : IconDeviceDesktop
          const words = name ? (system ? t('sessions.on', { browser: name, system }) : name) : t('sessions.unknown')
          return (
            <>
              <Icon size={20} stroke={1.6} aria-hidden />
              <div className={kit.grow}>
                <div className={kit.name} title={s.browser}>
                  {words}{' '}
                  {s.current && (
                    <State size="sm">
                      {t('sessions.this')}
                    </State>
                  )}
                </div>
                <div className={kit.soft}>
                  {s.address} · <When at={s.seen_at} />
                </div>
              </div>
              {!s.current && (
                <Button size="xs" variant="default" loading={end.isPending && end.variables === s.id} onClick={() => end.mutate(s.id)} aria-label={t('sessions.endOne', { browser: words })}>
                  {t('sessions.end')}
                </Button>
              )}
            </>
          )
        }}
      </Lines>
      {others > 0 && (
        <Button mt="md" variant="subtle" color="red" loading={endAll.isPending} onClick={() => confirm({ title: t('sessions.endAll'), about: t('sessions.endAllAsk', { count: others }), act: t('sessions.endAll'), onYes: () => endAll.mutate(undefined) })}>
          {t('sessions.endAll')}
        </Button>
      )}
    </Block>
  )
}
