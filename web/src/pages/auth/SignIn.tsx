import { Alert, Button, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { codeOf, fieldErrors, problemOf } from '../../api/problem'
import { ask, useAdopt, type Session } from '../../api/session'
import { ProblemAlert } from '../../ui/Problem'
import { Door } from './Door'
import { Password } from './Password'

export function SignIn() {
  const { t } = useTranslation('auth')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const adopt = useAdopt()
  const go = useNavigate()
  const { to, ended } = useSearch({ strict: false }) as { to?: string; ended?: unknown }
  const enter = useMutation({
    mutationFn: () => ask<Session>('POST', '/v1/session', { email, password, code: code || undefined }),
    onSuccess: async (s) => {
      adopt(s)
      // Only a path of ours: an address from outside must not be where a sign-in leads.
      await go({ to: to?.startsWith('/') && !to.startsWith('//') ? to : '/', replace: true })
    },
  })
  const kind = codeOf(enter.error)
  const needsCode = kind === 'totp_required' || code !== ''
  const p = enter.error ? problemOf(enter.error) : undefined
  return (
    <Door title={t('signIn.title')}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          enter.mutate()
        }}
      >
        <Stack>
          {!p && !needsCode && ended === true && <Alert variant="light" color="gray" role="status">{t('signIn.ended')}</Alert>}
          {p && kind !== 'totp_required' && (p.status === 401 ? <ProblemAlert error={{ status: 401, title: t('signIn.wrong'), detail: t('signIn.wrong') }} /> : p.status === 429 ? <ProblemAlert error={{ status: 429, title: '', detail: t('signIn.wait', { count: Math.ceil((p.retryAfter ?? 60) / 60) }) }} /> : <ProblemAlert error={p} />)}
          <TextInput label={t('email')} type="email" name="email" autoComplete="username" required withAsterisk={false} autoFocus value={email} onChange={(e) => setEmail(e.currentTarget.value)} />
          <Password label={t('password')} name="password" autoComplete="current-password" required withAsterisk={false} value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
          {needsCode && (
            <TextInput label={t('code')} description={t('codeAbout')} name="code" autoComplete="one-time-code" inputMode="text" required withAsterisk={false} autoFocus value={code} onChange={(e) => setCode(e.currentTarget.value)} error={fieldErrors(enter.error).code && t('codeWrong')} />
          )}
          <Button type="submit" loading={enter.isPending} fullWidth>
            {t('signIn.act')}
          </Button>
        </Stack>
      </form>
    </Door>
  )
}
