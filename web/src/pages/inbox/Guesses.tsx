import { Menu, UnstyledButton } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { useCan } from '../../api/session'
import { useFormat } from '../../ui/format'
import { useTell } from '../../ui/Problem'
import type { Entry } from './entries'
import { intents, sentiments } from './filter'
import classes from './Entry.module.css'

const tongues = ['en', 'ru', 'lv', 'lt', 'et', 'de', 'fr', 'es', 'it', 'pl', 'uk']

/** What a reply is taken to mean, with how sure that is; an agent who knows better says so. */
export function Guesses({ entry, refresh }: { entry: Entry; refresh: () => void }) {
  const { t, i18n } = useTranslation(['inbox', 'common'])
  const u = entry.understanding
  if (!u) return null
  const language = new Intl.DisplayNames(i18n.language, { type: 'language', fallback: 'code' })
  const tongue = (code: string) => {
    try {
      return code ? language.of(code)! : t('guess.unknown')
    } catch {
      return code // not a language tag
    }
  }
  return (
    <div className={classes.guesses}>
      <Guess entry={entry} refresh={refresh} field="intent" value={u.intent} options={intents.map((v) => [v, t(`intent.${v}`)])} show={u.intent.value !== 'other' || u.intent.source === 'person'} name={t(`intent.${u.intent.value as 'other'}`)} />
      <Guess entry={entry} refresh={refresh} field="sentiment" value={u.sentiment} options={sentiments.map((v) => [v, t(`sentiment.${v}`)])} show={u.sentiment.value !== 'neutral' || u.sentiment.source === 'person'} name={t(`sentiment.${u.sentiment.value as 'neutral'}`)} />
      <Guess entry={entry} refresh={refresh} field="language" value={u.language} options={[...new Set([...tongues, u.language.value])].filter(Boolean).map((v) => [v, tongue(v)])} show={!!u.language.value && !i18n.language.startsWith(u.language.value)} name={tongue(u.language.value)} />
    </div>
  )
}

type Props = { entry: Entry; refresh: () => void; field: 'intent' | 'sentiment' | 'language'; value: { value: string; confidence: number; source: string }; options: (readonly [string, string])[]; show: boolean; name: string }

function Guess({ entry, refresh, field, value, options, show, name }: Props) {
  const { t } = useTranslation(['inbox', 'common'])
  const { percent } = useFormat()
  const can = useCan()
  const tell = useTell()
  const queries = useQueryClient()
  if (!show) return null
  const sure = value.source === 'person' ? t('guess.person') : t('guess.sure', { share: percent(Math.round(value.confidence * 100) / 100) })
  const chip = (
    <>
      <span className="visually-hidden">{t(`guess.${field}`)}: </span>
      <span>{name}</span> <small>{value.source === 'person' ? <IconCheck size={11} aria-hidden /> : percent(Math.round(value.confidence * 100) / 100)}</small>
    </>
  )
  const look = { className: classes.guess, 'data-field': field, 'data-value': value.value, title: sure }
  if (!can('write:threads')) return <span {...look}>{chip}</span>
  const correct = async (v: string) => {
    try {
      await need(client.PUT('/v1/entries/{id}/understanding', { params: { path: { id: entry.id } }, body: { [field]: v } }))
      refresh()
      void queries.invalidateQueries({ queryKey: ['entries', entry.thread] })
    } catch (e) {
      tell.failed(e)
    }
  }
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <UnstyledButton {...look}>
          {chip}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('guess.correct', { what: t(`guess.${field}`) })}</Menu.Label>
        {options.map(([v, label]) => (
          <Menu.Item key={v} rightSection={v === value.value ? <IconCheck size={14} /> : undefined} onClick={() => void correct(v)}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
