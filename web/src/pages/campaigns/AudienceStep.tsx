import { Anchor, Button, Group, Radio, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { confirm } from '../../ui/confirm'
import { useFormat } from '../../ui/format'
import { ProblemAlert, useTell } from '../../ui/Problem'
import type { Campaign } from './campaign'
import classes from './choices.module.css'
import type { Aim } from './csv'
import { download } from './download'
import { FileDrop, type Added, type Dropped } from './FileDrop'

/** An audience that waits for the draft to be there: it is stored with the template that it needs. */
export type Wish = { label: string; apply: (id: string) => Promise<unknown> }

type Kind = 'file' | 'segment' | 'everyone'

/** An audience that is being chosen, and not yet. */
export type Making = { kind?: Kind; file?: Dropped }

type Props = { campaign: Campaign | undefined; aim: Aim; making: Making; onMaking: (making: Making) => void; wish: Wish | null; onWish: (wish: Wish | null) => void; onChanged: () => void }

const draw = (id: string, audience: { segment?: string; everyone?: boolean }) => need(client.PATCH('/v1/campaigns/{id}', { params: { path: { id } }, body: { audience } }))

export function AudienceStep({ campaign: c, aim, making, onMaking, wish, onWish, onChanged }: Props) {
  const { t } = useTranslation('campaigns')
  const { t: common } = useTranslation()
  const stored = c && !c.everyone && !c.segment ? (c.counts?.audience ?? 0) : 0
  const kind: Kind = stored > 0 ? 'file' : (making.kind ?? (c?.everyone ? 'everyone' : c?.segment ? 'segment' : 'file'))
  const set = useMutation({
    mutationFn: async (w: Wish) => {
      if (c) await w.apply(c.id)
      else onWish(w)
    },
    onSuccess: onChanged,
  })
  const clear = useMutation({ mutationFn: () => need(client.PATCH('/v1/campaigns/{id}', { params: { path: { id: c!.id } }, body: { clear: ['audience'] } })), onSuccess: onChanged })
  const choose = (next: Kind) => {
    onMaking({ ...making, kind: next })
    set.reset()
    onWish(null)
    if (c?.everyone || c?.segment) clear.mutate()
  }
  const everyone = () =>
    confirm({
      title: t('people.everyoneTitle'),
      about: t('people.everyoneAbout'),
      typed: t('people.everyoneWord'),
      act: t('people.everyoneAct'),
      danger: false,
      onYes: () => set.mutate({ label: t('audience.everyone'), apply: (id) => draw(id, { everyone: true }) }),
    })
  return (
    <Stack>
      {stored === 0 && (
        <Radio.Group aria-label={t('step.audience')} value={kind} onChange={(v) => choose(v as Kind)}>
          <div className={classes.cards}>
            {(['file', 'segment', 'everyone'] as const).map((k) => (
              <Radio.Card key={k} value={k} className={classes.card}>
                <Radio.Indicator aria-hidden />
                <span><b>{t(`people.${k}`)}</b><small>{t(`people.${k}About_`)}</small></span>
              </Radio.Card>
            ))}
          </div>
        </Radio.Group>
      )}
      {wish && (
        <Group gap="xs">
          <Text size="sm">{t('people.waits', { what: wish.label })}</Text>
          <Button size="compact-xs" variant="subtle" onClick={() => onWish(null)}>{common('undo')}</Button>
        </Group>
      )}
      {kind === 'file' && <Files campaign={c} aim={aim} file={making.file} onFile={(file) => onMaking({ ...making, kind: 'file', file })} stored={stored} wish={wish} onWish={onWish} onChanged={onChanged} />}
      {kind === 'segment' && <SegmentPick value={c?.segment?.key ?? ''} onChange={(key) => set.mutate({ label: t('audience.segment', { key }), apply: (id) => draw(id, { segment: key }) })} />}
      {kind === 'everyone' && !wish && (c?.everyone ? <Text size="sm">{t('people.everyoneChosen')}</Text> : <div><Button variant="default" onClick={everyone}>{t('people.everyoneAct')}…</Button></div>)}
      {(set.error ?? clear.error) && <ProblemAlert error={set.error ?? clear.error} />}
    </Stack>
  )
}

function Files({ campaign: c, aim, file, onFile, stored, wish, onWish, onChanged }: { campaign: Campaign | undefined; aim: Aim; file?: Dropped; onFile: (file?: Dropped) => void; stored: number; wish: Wish | null; onWish: (wish: Wish | null) => void; onChanged: () => void }) {
  const { t } = useTranslation('campaigns')
  const format = useFormat()
  const tell = useTell()
  const go = useNavigate()
  const queries = useQueryClient()
  const [added, setAdded] = useState<Added | null>(null)
  // Recipients cannot be taken out of a draft, so another list is a fresh draft with all the rest.
  const fresh = useMutation({
    mutationFn: async () => {
      const made = await need(client.POST('/v1/campaigns/{id}/duplicate', { params: { path: { id: c!.id } }, body: { name: c!.name } }))
      await need(client.DELETE('/v1/campaigns/{id}', { params: { path: { id: c!.id } } }))
      return made
    },
    onSuccess: async (made) => {
      void queries.invalidateQueries({ queryKey: ['campaigns'] })
      await go({ to: '/campaigns/$id/edit', params: { id: made.id }, replace: true, resetScroll: false })
    },
    onError: tell.failed,
  })
  const refused = Math.max(added?.refused ?? 0, c?.refused ?? 0)
  return (
    <>
      {stored > 0 && c && (
        <div>
          <Text fw={550}>{t('audience.count', { count: stored, n: format.number(stored) })}</Text>
          {refused > 0 && (
            <Text size="sm" c="dimmed">
              {t('people.refused', { count: refused, n: format.number(refused) })}{' '}
              <Anchor component="button" type="button" size="sm" onClick={() => void download(`/v1/campaigns/${c.id}/refusals`, `${c.name || c.id}-refusals.csv`).catch(tell.failed)}>{t('act.refusals')}</Anchor>
            </Text>
          )}
          <Button mt={6} size="compact-sm" variant="subtle" color="red" loading={fresh.isPending} onClick={() => confirm({ title: t('people.removeTitle'), about: t('people.removeAbout'), act: t('people.remove'), onYes: () => fresh.mutate() })}>{t('people.remove')}</Button>
        </div>
      )}
      {!wish && (
        <FileDrop
          campaign={c?.id}
          aim={aim}
          dropped={file}
          onDropped={onFile}
          another={stored > 0}
          onAdded={(a) => {
            setAdded(a)
            onChanged()
          }}
          onWish={onWish}
        />
      )}
    </>
  )
}

function SegmentPick({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  const { t } = useTranslation('campaigns')
  const list = useQuery({ queryKey: ['segments', 'choice'], queryFn: ({ signal }) => need(client.GET('/v1/segments', { params: { query: { limit: 200 } }, signal })) })
  if (list.error) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />
  if (list.data?.data.length === 0) return <Text size="sm" c="dimmed">{t('people.noSegments')} <Anchor size="sm" component={Link} to="/customers/segments">{t('people.makeSegment')}</Anchor></Text>
  return <Select maw={420} searchable allowDeselect={false} label={t('people.segment')} placeholder={t('people.segmentPick')} value={value || null} onChange={(v) => v && onChange(v)} data={(list.data?.data ?? []).map((s) => ({ value: s.key, label: s.name || s.key }))} />
}
