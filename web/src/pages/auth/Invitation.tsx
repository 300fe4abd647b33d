import { Alert, Anchor, Button, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { codeOf, fieldErrors, problemOf } from '../../api/problem'
import { ask, useAdopt, type Session } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { ProblemAlert } from '../../ui/Problem'
import { Door } from './Door'
import { Password } from './Password'
import { forgetToken, useToken } from './token'

type Found = { kind: 'invitation' | 'reset'; name: string; email: string; role: string; totp: boolean }

/** A link that an admin made: a new colleague, or one who forgot the password, chooses a password. */
export function Invitation() {
  const { t } = useTranslation('auth')
  const token = useToken()
  const [password, setPassword] = useState('')
  const [name, setName] = useState<string>()
  const [code, setCode] = useState('')
  const adopt = useAdopt()
  const go = useNavigate()
  const found = useQuery({ queryKey: ['invitation', token], queryFn: () => ask<Found>('POST', '/v1/invitations/find', { token }), staleTime: Infinity, retry: false })
  const accept = useMutation({
    mutationFn: () => ask<Session>('POST', '/v1/invitations/accept', { token, password, name: found.data?.kind === 'invitation' ? name : undefined, code: code || undefined }),
    onSuccess: async (s) => {
      forgetToken()
      adopt(s)
      await go({ to: '/', replace: true })
    },
  })
  if (found.error && problemOf(found.error).status === 404)
    return (
      <Door title={t('invitation.goneTitle')}>
        <Alert color="gray">
          {t('invitation.gone')} <Anchor component={Link} to="/sign-in" inherit underline="always">{t('signIn.act')}</Anchor>
        </Alert>
      </Door>
    )
  const wrong = fieldErrors(accept.error)
  const fresh = found.data?.kind !== 'reset'
  return (
    <Door title={fresh ? t('invitation.title') : t('reset.title')} about={found.data?.email}>
      <Answer of={found}>
        {(who) => (
          <form
            onSubmit={(e) => {
              e.preventDefault()
              accept.mutate()
            }}
          >
            <Stack>
              {accept.error && Object.keys(wrong).length === 0 && codeOf(accept.error) !== 'totp_required' && <ProblemAlert error={accept.error} />}
              <input type="hidden" name="email" autoComplete="username" value={who.email} readOnly />
              {who.kind === 'invitation' && <TextInput label={t('name')} name="name" autoComplete="name" required withAsterisk={false} value={name ?? who.name} error={wrong.name} onChange={(e) => setName(e.currentTarget.value)} />}
              <Password label={t('newPassword')} description={t('passwordAbout')} name="password" autoComplete="new-password" autoFocus required withAsterisk={false} minLength={10} maxLength={200} value={password} error={wrong.password} onChange={(e) => setPassword(e.currentTarget.value)} />
              {who.totp && <TextInput label={t('code')} description={t('codeAbout')} name="code" autoComplete="one-time-code" required withAsterisk={false} value={code} error={wrong.code && t('codeWrong')} onChange={(e) => setCode(e.currentTarget.value)} />}
              <Button type="submit" loading={accept.isPending} fullWidth>
                {who.kind === 'invitation' ? t('invitation.act') : t('reset.act')}
              </Button>
            </Stack>
          </form>
        )}
      </Answer>
    </Door>
  )
}
