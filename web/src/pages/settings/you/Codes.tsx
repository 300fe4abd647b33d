import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { sessionQuery, useSession } from '../../../api/session'
import { Password } from '../../auth/Password'
import { useAct } from '../kit/act'
import { Block } from '../kit/Block'
import { Copy } from '../kit/Copy'
import { Dialog, Refusal } from '../kit/Dialog'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import { Recovery } from './Recovery'

const QR = lazy(() => import('./QR'))

type Proof = 'begin' | 'renew' | 'disable'

/** Codes from an app beside the password (TOTP): on, off, and the recovery codes for a lost phone. */
export function Codes() {
  const { t } = useWords()
  const { agent } = useSession()
  const queries = useQueryClient()
  const [proof, setProof] = useState<Proof>()
  const [offer, setOffer] = useState<Schemas['TOTPOffer']>()
  const [codes, setCodes] = useState<string[]>()
  const shown = (list: string[]) => {
    setOffer(undefined)
    setCodes(list)
    void queries.invalidateQueries({ queryKey: sessionQuery.queryKey })
  }
  return (
    <Block title={t('totp.title')} about={t('totp.about')}>
      {agent.totp ? (
        <Stack align="flex-start">
          <Group gap="xs">
            <State color="teal">
              {t('totp.on')}
            </State>
            <Text size="sm" c={agent.recovery_codes < 3 ? 'red' : 'dimmed'}>
              {t('totp.left', { count: agent.recovery_codes })}
            </Text>
          </Group>
          <Group gap="xs">
            <Button variant="default" onClick={() => setProof('renew')}>
              {t('totp.renew')}
            </Button>
            <Button variant="subtle" color="red" onClick={() => setProof('disable')}>
              {t('totp.disable')}
            </Button>
          </Group>
        </Stack>
      ) : (
        <Button variant="default" onClick={() => setProof('begin')}>
          {t('totp.begin')}
        </Button>
      )}
      {proof && (
        <Prove
          what={proof}
          onClose={() => setProof(undefined)}
          onOffer={(o) => {
            setProof(undefined)
            setOffer(o)
          }}
          onCodes={(c) => {
            setProof(undefined)
            shown(c)
          }}
        />
      )}
      {offer && <Confirm offer={offer} onClose={() => setOffer(undefined)} onCodes={shown} />}
      <Modal opened={codes !== undefined} onClose={() => setCodes(undefined)} title={t('totp.codes')} closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common:close') }}>
        {codes && <Recovery codes={codes} onDone={() => setCodes(undefined)} />}
      </Modal>
    </Block>
  )
}

/** The password again: whoever sits at an open laptop must not be able to change how one signs in. */
function Prove({ what, onClose, onOffer, onCodes }: { what: Proof; onClose: () => void; onOffer: (o: Schemas['TOTPOffer']) => void; onCodes: (codes: string[]) => void }) {
  const { t } = useWords()
  const queries = useQueryClient()
  const [password, setPassword] = useState('')
  const prove = useAct(
    async () => {
      const body = { password }
      if (what === 'begin') return onOffer(await need(client.POST('/v1/agents/me/totp', { body })))
      if (what === 'renew') return onCodes((await need(client.POST('/v1/agents/me/totp/recovery-codes', { body }))).recovery_codes ?? [])
      await need(client.POST('/v1/agents/me/totp/disable', { body }))
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey })
      onClose()
    },
    { quiet: true, said: what === 'disable' ? t('totp.off') : undefined },
  )
  return (
    <Dialog title={t(`totp.${what}`)} open onClose={onClose} onSubmit={() => prove.mutate(undefined)} act={prove} word={what === 'disable' ? t('totp.disable') : t('common:next')} fields={['password']}>
      <Text size="sm">{t(`totp.${what}Ask`)}</Text>
      <Password label={t('totp.password')} autoComplete="current-password" data-autofocus value={password} error={fieldErrors(prove.error).password} onChange={(e) => setPassword(e.currentTarget.value)} />
    </Dialog>
  )
}

function Confirm({ offer, onClose, onCodes }: { offer: Schemas['TOTPOffer']; onClose: () => void; onCodes: (codes: string[]) => void }) {
  const { t } = useWords()
  const [code, setCode] = useState('')
  const confirm = useAct(() => need(client.POST('/v1/agents/me/totp/confirm', { body: { code } })), { quiet: true, then: (r) => onCodes(r.recovery_codes ?? []) })
  return (
    <Modal opened onClose={onClose} title={t('totp.begin')} closeButtonProps={{ 'aria-label': t('common:close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          confirm.mutate(undefined)
        }}
      >
        <Stack>
          <Text size="sm">{t('totp.scan')}</Text>
          <Group justify="center" mih={196}>
            <Suspense>
              <QR text={offer.uri} label={t('totp.qr')} />
            </Suspense>
          </Group>
          <TextInput label={t('totp.secret')} description={t('totp.secretAbout')} value={offer.secret} readOnly onFocus={(e) => e.currentTarget.select()} rightSection={<Copy text={offer.secret} small />} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
          <Refusal error={confirm.error} fields={['code']} />
          <TextInput label={t('totp.code')} inputMode="numeric" autoComplete="one-time-code" data-autofocus maxLength={7} value={code} error={fieldErrors(confirm.error).code && t('totp.wrong')} onChange={(e) => setCode(e.currentTarget.value)} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('common:cancel')}
            </Button>
            <Button type="submit" loading={confirm.isPending} disabled={code.replace(/\D/g, '').length !== 6}>
              {t('totp.confirm')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
