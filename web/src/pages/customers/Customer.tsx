import { ActionIcon, Badge, Button, Group, Menu, Skeleton, Tabs, Text, Title } from '@mantine/core'
import { IconArrowMerge, IconDots, IconDownload, IconMessageReply, IconPencil, IconSend, IconTrash, IconUserOff } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, client, type Schemas } from '../../api/client'
import { useEvents } from '../../api/events'
import { need } from '../../api/pages'
import { problemOf } from '../../api/problem'
import { useCan } from '../../api/session'
import { useChosenSeen } from '../../ui/chosen'
import { confirm } from '../../ui/confirm'
import { Empty } from '../../ui/Empty'
import { Face } from '../../ui/Face'
import { Loading } from '../../ui/Loading'
import { useTitle } from '../../ui/Page'
import { ProblemAlert, useTell } from '../../ui/Problem'
import classes from './Customer.module.css'
import { download } from './download'
import { editCustomer } from './EditCustomer'
import { nameOf } from './name'
import { Numbers } from './Numbers'
import { Side } from './Side'
import { Timeline } from './Timeline'
import { useLocalTime } from './local-time'
import { useLanguageName } from './words'

// The timeline is there first; the other views, and what dialogs hold, when they are wanted.
const Consents = lazy(() => import('./Consents').then((m) => ({ default: m.Consents })))
const CampaignsOf = lazy(() => import('./CampaignsOf').then((m) => ({ default: m.CampaignsOf })))
const ThreadsOf = lazy(() => import('./ThreadsOf').then((m) => ({ default: m.ThreadsOf })))
const mergeWith = async (...about: Parameters<typeof import('./MergeWith').mergeWith>) => (await import('./MergeWith')).mergeWith(...about)

const views = ['timeline', 'consent', 'campaigns', 'threads'] as const

export function Customer() {
  const { t } = useTranslation('customers')
  const { id } = useParams({ strict: false }) as { id: string }
  const queries = useQueryClient()
  const query = $api.useQuery('get', '/v1/customers/{id}', { params: { path: { id } } })
  const mine = query.data?.id ?? id
  useTitle(query.data ? nameOf(query.data) : t('title'))
  useEvents((e) => {
    if (e.data.customer !== mine && e.data.customer !== id) return
    void queries.invalidateQueries({ queryKey: ['get', '/v1/customers/{id}'] })
    void queries.invalidateQueries({ queryKey: ['customer', mine] })
  })
  if (query.error && problemOf(query.error).status === 404)
    return (
      <div className={classes.page}>
        <Empty icon={IconUserOff} title={t('gone.title')} action={<Button component={Link} to="/customers">{t('gone.back')}</Button>}>
          {t('gone.about')}
        </Empty>
      </div>
    )
  return (
    <div className={classes.page}>
      {query.data ? (
        <Profile customer={query.data} />
      ) : query.error ? (
        <>
          <Link to="/customers" className={classes.up}>
            {t('title')}
          </Link>
          <ProblemAlert error={query.error} retry={() => void query.refetch()} />
        </>
      ) : (
        <>
          <Group mb="lg">
            <Skeleton circle height={52} />
            <Skeleton height={40} width={280} />
          </Group>
          <Loading rows={8} />
        </>
      )}
    </div>
  )
}

function Profile({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('customers')
  const can = useCan()
  const go = useNavigate()
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const view = views.find((v) => v === search.view) ?? 'timeline'
  const language = useLanguageName()
  const local = useLocalTime(c.timezone)
  const row = useChosenSeen<HTMLDivElement>(view)
  return (
    <>
      <header className={classes.head}>
        <Face name={nameOf(c)} size={52} />
        <div className={classes.who}>
          <Link to="/customers" className={classes.up}>
            {t('title')}
          </Link>
          <Title order={1} tabIndex={-1}>
            {nameOf(c)} {c.audience !== 'customer' && <Badge variant="light" tt="none" component="span">{t(`audience.${c.audience as 'customer'}`)}</Badge>}
          </Title>
          <Text c="dimmed" size="sm">
            {[c.locale && language(c.locale), local && t('localTime', { time: local.clock, zone: local.zone }), c.external_id].filter(Boolean).join(' · ')}
          </Text>
        </div>
        <Acts customer={c} />
      </header>
      <Numbers customer={c} />
      <div className={classes.columns}>
        <Tabs value={view} onChange={(v) => void go({ to: '/customers/$id', params: { id: c.id }, search: (v === 'timeline' ? {} : { view: v }) as never, replace: true })} keepMounted={false} className={classes.main}>
          <Tabs.List ref={row} mb="md">
            {views
              .filter((v) => v !== 'threads' || can('read:threads'))
              .map((v) => (
                <Tabs.Tab key={v} value={v}>
                  {t(`view.${v}`)}
                </Tabs.Tab>
              ))}
          </Tabs.List>
          <Tabs.Panel value="timeline">
            <Timeline customer={c.id} name={nameOf(c)} />
          </Tabs.Panel>
          <Tabs.Panel value="consent">
            <Suspense fallback={<Loading />}>
              <Consents customer={c} />
            </Suspense>
          </Tabs.Panel>
          <Tabs.Panel value="campaigns">
            <Suspense fallback={<Loading />}>
              <CampaignsOf customer={c.id} />
            </Suspense>
          </Tabs.Panel>
          <Tabs.Panel value="threads">
            <Suspense fallback={<Loading />}>
              <ThreadsOf customer={c.id} />
            </Suspense>
          </Tabs.Panel>
        </Tabs>
        <Side customer={c} />
      </div>
    </>
  )
}

function Acts({ customer: c }: { customer: Schemas['Customer'] }) {
  const { t } = useTranslation('customers')
  const can = useCan()
  const go = useNavigate()
  const tell = useTell()
  const queries = useQueryClient()
  const threads = $api.useQuery('get', '/v1/threads', { params: { query: { customer: c.id, limit: 1 } } }, { enabled: can('read:threads') })
  const latest = threads.data?.data?.[0]
  const exported = useMutation({
    mutationFn: () => need(client.GET('/v1/customers/{id}/export', { params: { path: { id: c.id } } })),
    onSuccess: (all) => download(`customer-${c.id}.json`, 'application/json', JSON.stringify(all, null, 2)),
    onError: tell.failed,
  })
  const erase = useMutation({
    mutationFn: () => need(client.DELETE('/v1/customers/{id}', { params: { path: { id: c.id } } })),
    onSuccess: () => {
      tell.done(t('erase.done'))
      queries.removeQueries({ queryKey: ['customer', c.id] })
      void queries.invalidateQueries({ queryKey: ['customers'] })
      void go({ to: '/customers' })
    },
    onError: tell.failed,
  })
  const askErase = () =>
    confirm({
      title: t('erase.title', { name: nameOf(c) }),
      about: (
        <>
          <Text fw={600} size="sm">
            {t('erase.goes')}
          </Text>
          <Text size="sm">{t('erase.goesAbout')}</Text>
          <Text fw={600} size="sm" mt="sm">
            {t('erase.stays')}
          </Text>
          <Text size="sm">{t('erase.staysAbout')}</Text>
          <Text size="sm" mt="sm">
            {t('erase.never')}
          </Text>
        </>
      ),
      act: t('erase.act'),
      typed: nameOf(c),
      onYes: () => erase.mutate(),
    })
  return (
    <Group gap="xs" className={classes.acts}>
      {latest && (
        <Button component={Link} to="/inbox/$thread" params={{ thread: latest.id } as never} variant="default" leftSection={<IconMessageReply size={16} />}>
          {t('act.conversation')}
        </Button>
      )}
      {(can('write:threads') || can('write:messages')) && (
        <Button component={Link} to="/inbox" search={{ write: c.id } as never} leftSection={<IconSend size={16} />}>
          {t('act.write')}
        </Button>
      )}
      <Menu position="bottom-end" width={230}>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={t('act.more')} loading={exported.isPending || erase.isPending}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {can('write:customers') && (
            <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => editCustomer(c, t('act.edit'))}>
              {t('act.edit')}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconDownload size={16} />} onClick={() => exported.mutate()}>
            {t('act.export')}
          </Menu.Item>
          {can('write:customers') && (
            <>
              <Menu.Item leftSection={<IconArrowMerge size={16} />} onClick={() => void mergeWith({ title: t('merge.title'), a: c })}>
                {t('act.merge')}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={askErase}>
                {t('act.erase')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </Group>
  )
}
