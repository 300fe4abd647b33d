import { Button, Group, Stack } from '@mantine/core'
import { useState } from 'react'
import { client } from '../../../api/client'
import { need } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useSession } from '../../../api/session'
import { Password } from '../../auth/Password'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Refusal } from '../kit/Dialog'
import { useWords } from '../kit/words'

const empty = { current: '', password: '' }

export function ChangePassword() {
  const { t } = useWords()
  const { agent } = useSession()
  const [form, setForm] = useState(empty)
  const change = useAct((body: typeof form) => need(client.PUT('/v1/agents/me/password', { body })), { quiet: true, said: t('password.changed'), refresh: ['sessions'], then: () => setForm(empty) })
  const wrong = fieldErrors(change.error)
  return (
    <Block title={t('password.title')} about={t('password.about')}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          change.mutate(form)
        }}
      >
        <Stack maw={360}>
          <Refusal error={change.error} fields={['current', 'password']} />
          <input type="hidden" autoComplete="username" value={agent.email} readOnly />
          <Password label={t('password.current')} autoComplete="current-password" value={form.current} error={wrong.current} onChange={(e) => setForm({ ...form, current: e.currentTarget.value })} />
          <Password label={t('password.new')} description={t('password.rule')} autoComplete="new-password" minLength={10} maxLength={200} value={form.password} error={wrong.password} onChange={(e) => setForm({ ...form, password: e.currentTarget.value })} />
          <Group>
            <Button type="submit" variant="default" loading={change.isPending}>
              {t('password.act')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Block>
  )
}
