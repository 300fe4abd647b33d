import { Button, Group, NumberInput, Stack, Switch, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Answer } from '../../../ui/Answer'
import { Face } from '../../../ui/Face'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Refusal } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { useTick } from '../kit/tick'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

/** Who gets the threads that nobody has, and who is there to get them. */
export default function AssignmentRules() {
  const { t } = useWords()
  const rules = useQuery({ queryKey: ['assignment'], queryFn: () => need(client.GET('/v1/assignment')) })
  const mayRead = useCan()('read:agents')
  const there = usePages(['presence'], (cursor) => need(client.GET('/v1/presence', { params: { query: { cursor, limit: 100 } } })), { enabled: mayRead, idOf: (p) => p.agent })
  useTick(there.refetch, 15_000)
  return (
    <Page title={t('sections.assignment')} about={t('assignment.about')}>
      <Answer of={rules}>{(r) => <Form of={r} />}</Answer>
      <Block title={t('assignment.there')} about={t('assignment.thereAbout')}>
        <Lines of={there} label={t('assignment.there')} keyOf={(p) => p.agent} empty={<Text c="dimmed">{t('assignment.nobody')}</Text>}>
          {(p) => (
            <>
              <Face name={p.agent} size={28} />
              <div className={`${kit.grow} ${kit.name}`}>{p.agent}</div>
              <span className={kit.soft}>
                <When at={p.seen_at} />
              </span>
              <State color={p.status === 'online' ? 'teal' : 'gray'}>
                {p.status === 'online' ? t('assignment.online') : t('assignment.away')}
              </State>
            </>
          )}
        </Lines>
      </Block>
    </Page>
  )
}

function Form({ of }: { of: Schemas['Assignment'] }) {
  const { t } = useWords()
  const can = useCan()('write:agents')
  const [rules, setRules] = useState(of)
  const save = useAct(() => need(client.PUT('/v1/assignment', { body: rules })), { quiet: true, refresh: ['assignment'], said: t('common:saved') })
  return (
    <Block title={t('assignment.rule')} about={t('assignment.ruleAbout')}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          save.mutate(undefined)
        }}
      >
        <Stack>
          <Refusal error={save.error} fields={['cap']} />
          <Switch label={t('assignment.automatic')} description={t('assignment.automaticAbout')} checked={rules.automatic} disabled={!can} onChange={(e) => setRules({ ...rules, automatic: e.currentTarget.checked })} />
          <NumberInput label={t('assignment.cap')} description={t('assignment.capAbout')} maw={220} min={0} value={rules.cap} error={fieldErrors(save.error).cap} disabled={!can || !rules.automatic} onChange={(v) => setRules({ ...rules, cap: Number(v) })} />
          {can && (
            <Group>
              <Button type="submit" loading={save.isPending}>
                {t('common:save')}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Block>
  )
}
