import { Button, Text, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { $api, type Schemas } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { useChannelName } from '../../ui/Channel'
import { When } from '../../ui/When'
import { difference, type Line } from './difference'
import { placeOf, texts, type Source } from './source'
import classes from './Versions.module.css'

/** Every version, and how it differs, line by line and word by word, from what stands in the editor. */
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
            {folded(difference(p.from, p.to)).map((line, i) => <Shown key={i} line={line} />)}
          </pre>
        </section>
      ))}
    </>
  )
}

/** Long stretches that did not change are told by their ends. */
function folded(lines: Line[]): (Line | null)[] {
  const out: (Line | null)[] = []
  for (let i = 0; i < lines.length; ) {
    let end = i
    while (lines[end]?.kind === 'kept') end++
    out.push(...(end - i > 6 ? [...lines.slice(i, i + 3), null, ...lines.slice(end - 3, end)] : lines.slice(i, end)))
    if (lines[end]) out.push(lines[end]!)
    i = end + 1
  }
  return out
}

const signs = { kept: ' ', removed: '−', added: '+' }

function Shown({ line }: { line: Line | null }) {
  const { t } = useTranslation('templates')
  if (!line) return <span className={classes.line} aria-hidden>{'  ⋯\n'}</span>
  return (
    <span className={classes.line} data-kind={line.kind}>
      <span aria-hidden>{signs[line.kind]} </span>
      {line.kind !== 'kept' && <span className="visually-hidden">{t(`diff.${line.kind}`)} </span>}
      {line.parts.map((p, i) => (p.changed ? line.kind === 'added' ? <ins key={i}>{p.text}</ins> : <del key={i}>{p.text}</del> : p.text))}
      {'\n'}
    </span>
  )
}
