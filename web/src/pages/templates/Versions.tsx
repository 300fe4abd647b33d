import { Button, Text, UnstyledButton } from '@mantine/core'
import { diffLines } from 'diff'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, type Schemas } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { useChannelName } from '../../ui/Channel'
import { When } from '../../ui/When'
import { placeOf, texts, type Source } from './source'
import classes from './Versions.module.css'

/** Every version, and line by line how it differs from what stands in the editor. */
export default function Versions({ template, now, onTake }: { template: Schemas['Template']; now: Source; onTake: ((s: Source) => void) | undefined }) {
  const { t } = useTranslation('templates')
  const versions = template.versions ?? []
  const [n, setN] = useState(versions[1]?.version ?? versions[0]?.version ?? 1)
  const old = $api.useQuery('get', '/v1/templates/{key}/versions/{version}', { params: { path: { key: template.key, version: n } } })
  return (
    <div className={classes.all}>
      <ul className={classes.list} aria-label={t('versions')}>
        {versions.map((v) => (
          <li key={v.version}>
            <UnstyledButton className={classes.version} aria-pressed={v.version === n} data-on={v.version === n || undefined} onClick={() => setN(v.version)}>
              <span>{t('version', { n: v.version })}</span>
              <Text span size="xs" c="dimmed"><When at={v.created_at} as="full" /></Text>
            </UnstyledButton>
          </li>
        ))}
      </ul>
      <div className={classes.main}>
        <Answer of={old}>
          {(v) => (
            <>
              <div className={classes.head}>
                <Text size="sm" c="dimmed">{t('diff.about', { n })}</Text>
                {onTake && <Button size="xs" variant="default" onClick={() => onTake({ topic: v.topic ?? '', variants: v.variants ?? [], ...(v.required ? { required: v.required } : {}) })}>{t('diff.take', { n })}</Button>}
              </div>
              <Difference was={{ topic: v.topic ?? '', variants: v.variants ?? [], required: v.required ?? [] }} now={now} />
            </>
          )}
        </Answer>
      </div>
    </div>
  )
}

function Difference({ was, now }: { was: Source; now: Source }) {
  const { t } = useTranslation('templates')
  const name = useChannelName()
  const places = [...new Set([...(was.variants ?? []), ...(now.variants ?? [])].map(placeOf))]
  const parts: { title: string; from: string; to: string }[] = [{ title: t('required'), from: (was.required ?? []).join('\n'), to: (now.required ?? []).join('\n') }, { title: t('topic'), from: was.topic, to: now.topic }]
  for (const place of places) {
    const a = new Map(texts(was.variants?.find((v) => placeOf(v) === place) ?? ({} as never)))
    const b = new Map(texts(now.variants?.find((v) => placeOf(v) === place) ?? ({} as never)))
    const [channel, locale] = place.split('/')
    for (const field of new Set([...a.keys(), ...b.keys()])) parts.push({ title: `${name(channel!)}, ${locale || t('anyLanguage')}: ${t(`part.${field as 'subject'}`)}`, from: a.get(field) ?? '', to: b.get(field) ?? '' })
  }
  const changed = parts.filter((p) => p.from !== p.to)
  if (changed.length === 0) return <Text c="dimmed" py="lg">{t('diff.same')}</Text>
  return (
    <>
      {changed.map((p) => (
        <section key={p.title} className={classes.part} aria-label={p.title}>
          <Text size="sm" fw={550}>{p.title}</Text>
          <pre className={classes.diff}>
            {diffLines(p.from, p.to).map((d, i) => {
              const lines = d.value.replace(/\n$/, '').split('\n')
              const kept = !d.added && !d.removed
              const short = kept && lines.length > 6 ? [...lines.slice(0, 3), '⋯', ...lines.slice(-3)] : lines
              return short.map((line, j) => (
                <span key={`${i}-${j}`} className={classes.line} data-kind={d.added ? 'added' : d.removed ? 'removed' : undefined}>
                  <span aria-hidden>{d.added ? '+' : d.removed ? '−' : ' '}</span> {d.added && <span className="visually-hidden">{t('diff.added')} </span>}{d.removed && <span className="visually-hidden">{t('diff.removed')} </span>}{line}{'\n'}
                </span>
              ))
            })}
          </pre>
        </section>
      ))}
    </>
  )
}
