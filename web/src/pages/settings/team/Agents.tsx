import { ActionIcon, Button, Checkbox, Menu, Modal, Select, Stack, Text, TextInput, Tooltip } from '@mantine/core'
import { IconDots, IconPlus, IconShieldCheck, IconUsers } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan, useSession, type Role } from '../../../api/session'
import { confirm } from '../../../ui/confirm'
import { Empty } from '../../../ui/Empty'
import { Face } from '../../../ui/Face'
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
import { ByMail, MailedAlert, useMail } from './ByMail'

type Agent = Schemas['Agent']
const roles: Role[] = ['owner', 'admin', 'agent', 'viewer']

/** Who works here, and what each may do. */
export default function Agents() {
  const { t } = useWords()
  const can = useCan()('write:agents')
  const [inviting, setInviting] = useState(false)
  const [linked, setLinked] = useState<Agent>()
  const list = usePages(['agents'], (cursor) => need(client.GET('/v1/agents', { params: { query: { cursor, limit: 100 } } })))
  return (
    <Page
      title={t('sections.agents')}
      about={t('agents.about')}
      actions={
        can && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setInviting(true)}>
            {t('agents.invite')}
          </Button>
        )
      }
    >
      <Lines of={list} label={t('sections.agents')} keyOf={(a) => a.id} empty={<Empty icon={IconUsers} title={t('agents.none')} />}>
        {(a) => <Line agent={a} onLink={setLinked} />}
      </Lines>
      <Stack gap={4} mt="lg">
        {roles.map((r) => (
          <Text size="sm" c="dimmed" key={r}>
            <b>{t(`roles.${r}`)}</b> – {t(`rolesAbout.${r}`)}
          </Text>
        ))}
      </Stack>
      {inviting && (
        <Invite
          onClose={() => setInviting(false)}
          onDone={(a) => {
            setInviting(false)
            setLinked(a)
          }}
        />
      )}
      <Modal opened={linked !== undefined} onClose={() => setLinked(undefined)} title={linked?.state === 'invited' ? t('agents.linkTitle') : t('agents.resetTitle')} closeButtonProps={{ 'aria-label': t('common:close') }}>
        {linked && <LinkOf agent={linked} onClose={() => setLinked(undefined)} />}
      </Modal>
    </Page>
  )
}

function LinkOf({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { t } = useWords()
  const format = useFormat()
  return (
    <Stack>
      <MailedAlert of={agent} />
      <Text size="sm">{t(agent.mailed?.accepted ? 'agents.linkToo' : 'agents.linkAbout', { name: agent.name, until: agent.link_expires_at ? format.full(agent.link_expires_at) : '' })}</Text>
      <Once label={t('agents.link')} about={t('once')} text={agent.link ?? ''} />
      <Button onClick={onClose}>{t('done')}</Button>
    </Stack>
  )
}

function Line({ agent: a, onLink }: { agent: Agent; onLink: (a: Agent) => void }) {
  const { t } = useWords()
  const { agent: me } = useSession()
  const mayWrite = useCan()('write:agents')
  const [linking, setLinking] = useState<'invitation' | 'reset'>()
  const refresh = ['agents']
  const path = { id: a.id }
  const change = useAct((body: Schemas['AgentChange']) => need(client.PATCH('/v1/agents/{id}', { params: { path }, body })), { refresh, said: t('common:saved') })
  
  const out = useAct(() => need(client.DELETE('/v1/agents/{id}/sessions', { params: { path } })), { said: t('agents.signedOut', { name: a.name }) })
  const self = a.id === me.id
  const may = mayWrite && !self && (a.role !== 'owner' || me.role === 'owner')
  return (
    <>
      <Face name={a.name} size={36} />
      <div className={kit.grow}>
        <div className={kit.name}>
          {a.name}{' '}
          {self && (
            <Text span size="sm" c="dimmed">
              {t('agents.you')}
            </Text>
          )}
        </div>
        <div className={kit.soft}>
          {a.email}
          {a.seen_at && (
            <>
              {' · '}
              {t('agents.seen')} <When at={a.seen_at} />
            </>
          )}
        </div>
      </div>
      <div className={kit.end}>
        {a.totp && (
          <Tooltip label={t('agents.totp')}>
            <IconShieldCheck size={18} stroke={1.7} role="img" aria-label={t('agents.totp')} color="var(--mantine-color-teal-6)" />
          </Tooltip>
        )}
        {a.state !== 'active' && (
          <State color={a.state === 'invited' ? 'yellow' : 'gray'}>
            {t(`agents.${a.state}`)}
          </State>
        )}
        {may ? (
          <Select
            aria-label={t('agents.roleOf', { name: a.name })}
            size="xs"
            w={130}
            allowDeselect={false}
            value={a.role}
            disabled={change.isPending}
            data={roles.filter((r) => r !== 'owner' || me.role === 'owner').map((value) => ({ value, label: t(`roles.${value}`) }))}
            onChange={(role) => role && role !== a.role && change.mutate({ role: role as Role })}
          />
        ) : (
          <Text size="sm" c="dimmed">
            {t(`roles.${a.role}`)}
          </Text>
        )}
        {may && (
          <Menu position="bottom-end" width={240}>
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={t('agents.menu', { name: a.name })}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {a.state === 'invited' && <Menu.Item onClick={() => setLinking('invitation')}>{t('agents.again')}</Menu.Item>}
              {a.state === 'active' && <Menu.Item onClick={() => setLinking('reset')}>{t('agents.reset')}</Menu.Item>}
              {a.state === 'active' && <Menu.Item onClick={() => confirm({ title: t('agents.signOut'), about: t('agents.signOutAsk', { name: a.name }), act: t('agents.signOut'), onYes: () => out.mutate(undefined) })}>{t('agents.signOut')}</Menu.Item>}
              {a.state === 'disabled' ? (
                <Menu.Item onClick={() => change.mutate({ disabled: false })}>{t('agents.enable')}</Menu.Item>
              ) : (
                <Menu.Item color="red" onClick={() => confirm({ title: t('agents.disable'), about: t('agents.disableAsk', { name: a.name }), act: t('agents.disable'), onYes: () => change.mutate({ disabled: true }) })}>
                  {t('agents.disable')}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {linking && (
        <NewLink
          agent={a}
          kind={linking}
          onClose={() => setLinking(undefined)}
          onDone={(x) => {
            setLinking(undefined)
            onLink(x)
          }}
        />
      )}
    </>
  )
}

/** Another link for somebody who is here already: the invitation again, or one to choose a new password. */
function NewLink({ agent, kind, onClose, onDone }: { agent: Agent; kind: 'invitation' | 'reset'; onClose: () => void; onDone: (a: Agent) => void }) {
  const { t } = useWords()
  const [totp, setTotp] = useState(false)
  const mail = useMail()
  const params = { path: { id: agent.id } }
  const make = useAct(() => need(kind === 'reset' ? client.POST('/v1/agents/{id}/reset', { params, body: { totp, mail: mail.wanted } }) : client.POST('/v1/agents/{id}/invitation', { params, body: { mail: mail.wanted } })), { quiet: true, refresh: ['agents'], then: onDone })
  return (
    <Dialog title={kind === 'reset' ? t('agents.reset') : t('agents.again')} open onClose={onClose} onSubmit={() => make.mutate(undefined)} act={make} word={kind === 'reset' ? t('agents.resetAct') : t('agents.inviteAct')}>
      <Text size="sm">{kind === 'reset' ? t('agents.resetAsk', { name: agent.name }) : t('agents.againAsk', { name: agent.name })}</Text>
      {kind === 'reset' && agent.totp && <Checkbox label={t('agents.resetTotp')} checked={totp} onChange={(e) => setTotp(e.currentTarget.checked)} />}
      <ByMail of={mail} to={agent.email} />
    </Dialog>
  )
}

function Invite({ onClose, onDone }: { onClose: () => void; onDone: (a: Agent) => void }) {
  const { t } = useWords()
  const { agent: me } = useSession()
  const [form, setForm] = useState<Schemas['InviteInput'] & { role: Role }>({ name: '', email: '', role: 'agent' })
  const mail = useMail()
  const invite = useAct(() => need(client.POST('/v1/agents', { body: { ...form, mail: mail.wanted } })), { quiet: true, refresh: ['agents'], then: onDone })
  const wrong = fieldErrors(invite.error)
  return (
    <Dialog title={t('agents.invite')} open onClose={onClose} onSubmit={() => invite.mutate(undefined)} act={invite} word={t('agents.inviteAct')} fields={['name', 'email', 'role']}>
      <TextInput label={t('agents.name')} description={t('agents.nameAbout')} required withAsterisk={false} data-autofocus value={form.name} error={wrong.name} onChange={(e) => setForm({ ...form, name: e.currentTarget.value })} />
      <TextInput label={t('agents.email')} type="email" required withAsterisk={false} value={form.email} error={wrong.email} onChange={(e) => setForm({ ...form, email: e.currentTarget.value })} />
      <Select label={t('agents.role')} description={t(`rolesAbout.${form.role}`)} allowDeselect={false} value={form.role} error={wrong.role} data={roles.filter((r) => r !== 'owner' || me.role === 'owner').map((value) => ({ value, label: t(`roles.${value}`) }))} onChange={(role) => role && setForm({ ...form, role: role as Role })} />
      <ByMail of={mail} to={form.email} />
    </Dialog>
  )
}
