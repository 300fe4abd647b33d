import { Alert, Button, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, problemOf } from '../../api/problem'
import { ask, useAdopt, type Session } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { ProblemAlert } from '../../ui/Problem'
import { Door } from './Door'
import { Password } from './Password'
import { forgetToken, useToken } from './token'

/** The first visit: whoever holds the link that the server printed becomes the owner. */
export function Setup() {
  const { t } = useTranslation('auth')
  const token = useToken()
  const [form, setForm] = useState({ name: '', email: '', password: '' })
  const adopt = useAdopt()
  const go = useNavigate()
  const open = useQuery({ queryKey: ['setup'], queryFn: () => ask<{ open: boolean }>('GET', '/v1/setup'), staleTime: 0 })
  const make = useMutation({
    mutationFn: () => ask<Session>('POST', '/v1/setup', { token, ...form }),
    onSuccess: async (s) => {
      forgetToken()
      adopt(s)
      await go({ to: '/', replace: true })
    },
  })
  const wrong = fieldErrors(make.error)
  const field = (name: keyof typeof form) => ({ name, required: true, withAsterisk: false, value: form[name], error: wrong[name], onChange: (e: React.ChangeEvent<HTMLInputElement>) => { const value = e.currentTarget.value; setForm((f) => ({ ...f, [name]: value })) } })
  return (
    <Door title={t('setup.title')} about={t('setup.about')}>
      <Answer of={open}>
        {({ open }) =>
          !open ? (
            <Alert color="gray">
              {t('setup.over')} <Link to="/sign-in">{t('signIn.act')}</Link>
            </Alert>
          ) : !token ? (
            <Alert color="yellow">{t('setup.noToken')}</Alert>
          ) : (
            <form
              onSubmit={(e) => {
                e.preventDefault()
                make.mutate()
              }}
            >
              <Stack>
                {make.error && Object.keys(wrong).length === 0 && <ProblemAlert error={problemOf(make.error)} />}
                <TextInput label={t('name')} autoComplete="name" autoFocus {...field('name')} />
                <TextInput label={t('email')} type="email" autoComplete="username" {...field('email')} />
                <Password label={t('newPassword')} description={t('passwordAbout')} autoComplete="new-password" minLength={10} maxLength={200} {...field('password')} />
                <Button type="submit" loading={make.isPending} fullWidth>
                  {t('setup.act')}
                </Button>
              </Stack>
            </form>
          )
        }
      </Answer>
    </Door>
  )
}
