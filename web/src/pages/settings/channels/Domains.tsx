import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconAt, IconRefresh } from '@tabler/icons-react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { Empty } from '../../../ui/Empty'
import { Answer } from '../../../ui/Answer'
import { Page } from '../../../ui/Page'
import { When } from '../../../ui/When'
import { useAct } from '../kit/act'
import { Copy } from '../kit/Copy'
import { State } from '../kit/State'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'
import classes from './Domains.module.css'

type Domain = Schemas['SenderDomain']

/** Domains that mail is sent from, and what must stand in their DNS for it to arrive. */
export default function Domains() {
  const { t } = useWords()
  const list = usePages(['domains'], (cursor) => need(client.GET('/v1/domains', { params: { query: { cursor } } })), { idOf: (d) => d.domain })
  return (
    <Page title={t('sections.domains')} about={t('domains.about')}>
      <Answer of={list}>
        {() =>
          list.rows.length === 0 ? (
            <Empty icon={IconAt} title={t('domains.none')}>
              {t('domains.noneAbout')}
            </Empty>
          ) : (
            <Stack gap="xl">
              {list.rows.map((d) => (
                <One key={d.domain} domain={d} />
              ))}
            </Stack>
          )
        }
      </Answer>
    </Page>
  )
}

const colors = { ok: 'teal', missing: 'red', different: 'yellow', unknown: 'gray' } as const

function One({ domain }: { domain: Domain }) {
  const { t } = useWords()
  const check = useAct(() => need(client.POST('/v1/domains/{domain}/check', { params: { path: { domain: domain.domain } } })))
  const d = check.data ?? domain
  return (
    <section aria-label={d.domain}>
      <Group justify="space-between" mb="xs">
        <div>
          <Title order={2}>{d.domain}</Title>
          <Text size="sm" c="dimmed">
            {t('domains.by', { providers: d.providers.join(', ') })}
            {d.checked_at && (
              <>
                {' · '}
                {t('domains.checked')} <When at={d.checked_at} />
              </>
            )}
          </Text>
        </div>
        <Button variant="default" leftSection={<IconRefresh size={16} />} loading={check.isPending} onClick={() => check.mutate(undefined)}>
          {t('domains.check')}
        </Button>
      </Group>
      {d.unsigned.length > 0 && (
        <Alert variant="light" color="yellow" mb="sm">
          {t('domains.unsigned', { providers: d.unsigned.join(', ') })}
        </Alert>
      )}
      <ul className={kit.lines} aria-live="polite">
        {d.records.map((r) => (
          <li key={`${r.purpose} ${r.name} ${r.type}`} className={classes.record}>
            <div className={classes.kind}>
              <Text fw={600}>{r.purpose.toUpperCase()}</Text>
              <Text size="sm" c="dimmed">
                {t(`domains.${r.purpose}`)}
              </Text>
            </div>
            <dl className={classes.fields}>
              <dt>{r.type}</dt>
              <dd>
                <span className={kit.mono}>{r.name}</span>
                <Copy text={r.name} small label={t('domains.copyName')} />
              </dd>
              {r.wanted && (
                <>
                  <dt>{t('domains.wanted')}</dt>
                  <dd>
                    <span className={kit.mono}>{r.wanted}</span>
                    <Copy text={r.wanted} small label={t('domains.copyValue')} />
                  </dd>
                </>
              )}
              {r.found && r.found.length > 0 && (
                <>
                  <dt>{t('domains.found')}</dt>
                  <dd>
                    <span className={kit.mono}>{r.found.join('\n')}</span>
                  </dd>
                </>
              )}
            </dl>
            <div className={classes.state}>
              {r.status && (
                <State color={colors[r.status]}>
                  {t(`domains.status.${r.status}`)}
                </State>
              )}
              {(r.says || r.mend) && (
                <Text size="sm" mt={4}>
                  {r.status === 'missing' ? t(`domains.mend.${r.purpose}`) : [r.says, r.mend].filter(Boolean).map((x) => x![0]!.toUpperCase() + x!.slice(1)).join(' ')}
                </Text>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
