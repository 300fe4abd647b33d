import { Badge, Button, Group, Text, Textarea, UnstyledButton } from '@mantine/core'
import { IconArrowBackUp, IconInboxOff } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { useTell } from '../../ui/Problem'
import { When } from '../../ui/When'
import { useGot, useSaid, type Got } from './outbox'
import classes from './Simulator.module.css'

/** The customer's mailbox: the mails as a mail program shows them, and an answer to the one that is open. */
export function Mailbox({ customer }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('simulator')
  const address = customer.addresses.find((a) => a.channel === 'email')?.address
  const got = useGot('email', address)
  const said = useSaid(customer.id)
  const [open, setOpen] = useState<string>()
  const mails = got.data?.toReversed() ?? []
  const mail = mails.find((m) => m.id === open) ?? mails[0]
  return (
    <section className={classes.device} aria-label={t('mail.label', { name: customer.name })}>
      <header className={classes.bar}>
        <Text fw={600}>{t('mail.title')}</Text>
        {address && (
          <Text size="xs" c="dimmed" className={classes.address}>
            {address}
          </Text>
        )}
      </header>
      {!address || !mail ? (
        <div className={classes.nothing}>
          <IconInboxOff size={28} stroke={1.5} aria-hidden />
          <Text c="dimmed">{address ? t('mail.empty') : t('mail.none', { name: customer.name })}</Text>
        </div>
      ) : (
        <div className={classes.mailbox}>
          <ul className={classes.mails} aria-label={t('mail.list')}>
            {mails.map((m) => (
              <li key={m.id}>
                <UnstyledButton className={classes.mail} aria-current={m.id === mail.id || undefined} onClick={() => setOpen(m.id)}>
                  <span className={classes.from}>{m.from.replace(/\s*<.*>/, '')}</span>
                  <span className={classes.subject}>{m.subject}</span>
                  <span className={classes.time}>
                    <When at={m.at} as="brief" />
                  </span>
                </UnstyledButton>
              </li>
            ))}
          </ul>
          <Reading key={mail.id} mail={mail} customer={customer} answered={(said.data?.said ?? []).filter((s) => s.channel === 'email' && s.at > mail.at).length} />
        </div>
      )}
    </section>
  )
}

function Reading({ mail, customer, answered }: { mail: Got; customer: Schemas['Customer']; answered: number }) {
  const { t } = useTranslation('simulator')
  const [text, setText] = useState('')
  const [writing, setWriting] = useState(false)
  const tell = useTell()
  const may = useCan()('write:sandbox')
  const queries = useQueryClient()
  const answer = useMutation({
    mutationFn: () => need(client.POST('/v1/sandbox/replies', { body: { channel: 'email', address: mail.address, name: customer.name, text, in_reply_to: mail.message } })),
    onSuccess: () => {
      setText('')
      setWriting(false)
      tell.done(t('mail.answered'))
      void queries.invalidateQueries({ queryKey: ['simulator'] })
    },
    onError: tell.failed,
  })
  return (
    <article className={classes.reading} aria-label={mail.subject}>
      <div className={classes.letter}>
        <Text fw={600}>{mail.subject}</Text>
        <Text size="xs" c="dimmed">
          {mail.from}
        </Text>
        {answered > 0 && (
          <Badge variant="light" tt="none" fw={500} mt={4}>
            {t('mail.youAnswered')}
          </Badge>
        )}
      </div>
      {mail.html ? (
        <iframe className={classes.frame} title={mail.subject} src={`/v1/sandbox/outbox/${mail.id}/html`} sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox" />
      ) : (
        <pre className={classes.plain}>{mail.text}</pre>
      )}
      <div className={classes.below}>
        {writing ? (
          <form
            onSubmit={(e) => {
              e.preventDefault()
              if (text.trim()) answer.mutate()
            }}
          >
            <Textarea autosize minRows={3} maxRows={8} autoFocus aria-label={t('answerAs', { name: customer.name })} placeholder={t('answerAs', { name: customer.name })} value={text} onChange={(e) => setText(e.currentTarget.value)} />
            <Group justify="flex-end" gap="xs" mt="xs">
              <Button size="xs" variant="default" onClick={() => setWriting(false)}>
                {t('cancel', { ns: 'common' })}
              </Button>
              <Button size="xs" type="submit" loading={answer.isPending} disabled={!text.trim()}>
                {t('send')}
              </Button>
            </Group>
          </form>
        ) : (
          <Group gap="xs">
            <Button size="xs" variant="default" leftSection={<IconArrowBackUp size={14} />} disabled={!may} title={may ? undefined : t('problem.forbidden', { ns: 'common' })} onClick={() => setWriting(true)}>
              {t('mail.answer')}
            </Button>
            {unsubscribe(mail) && (
              <Button size="xs" variant="subtle" color="gray" component="a" href={unsubscribe(mail)} target="_blank" rel="noreferrer">
                {t('mail.unsubscribe')}
              </Button>
            )}
          </Group>
        )}
      </div>
    </article>
  )
}

/** The way out that mail programs show beside the sender (RFC 8058). */
function unsubscribe(mail: Got): string | undefined {
  return /https?:[^\s<>,]+/.exec(mail.list_unsubscribe ?? '')?.[0]
}
