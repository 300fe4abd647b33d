import { Anchor, Fieldset, Radio, Stack, Text, TextInput } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Answer } from '../../ui/Answer'
import classes from './choices.module.css'
import { valueAt, withValue, type Draft } from './draft'

type Props = { draft: Draft; change: (part: Partial<Draft>) => void; templates: UseQueryResult<Schemas['ListTemplate']>; errors: Record<string, string> }

export function TemplateStep({ draft, change, templates, errors }: Props) {
  const { t } = useTranslation('campaigns')
  const [text, setText] = useState('')
  return (
    <Answer of={templates}>
      {({ data }) => {
        const q = text.trim().toLowerCase()
        const shown = data.filter((x) => !q || x.key.includes(q) || x.key === draft.template)
        const chosen = data.find((x) => x.key === draft.template)
        const variables = (chosen?.required ?? []).filter((v) => v.startsWith('data.')).map((v) => v.slice(5))
        if (data.length === 0) return <Text c="dimmed">{t('template.none')} <Anchor component={Link} to="/templates">{t('template.make')}</Anchor></Text>
        return (
          <Stack>
            {data.length > 8 && <TextInput maw={320} aria-label={t('template.find')} placeholder={t('template.find')} value={text} onChange={(e) => setText(e.currentTarget.value)} />}
            <Radio.Group aria-label={t('step.template')} value={draft.template} onChange={(v) => change({ template: v })} error={errors.template}>
              <div className={`${classes.cards} ${classes.scroll}`}>
                {shown.map((x) => (
                  <Radio.Card key={x.key} value={x.key} className={classes.card}>
                    <Radio.Indicator aria-hidden />
                    <span>
                      <b>{x.key}</b>
                      <small>{[x.topic, t('version', { n: x.version })].filter(Boolean).join(' · ')}</small>
                    </span>
                  </Radio.Card>
                ))}
              </div>
            </Radio.Group>
            {variables.length > 0 && (
              <Fieldset legend={t('template.variables')} variant="unstyled">
                <Text size="sm" c="dimmed" mb={8}>{t('template.variablesAbout')}</Text>
                <div className={classes.pair}>
                  {variables.map((v) => (
                    <TextInput key={v} label={v} value={valueAt(draft.data, v)} error={errors[`data.${v}`]} onChange={(e) => change({ data: withValue(draft.data, v, e.currentTarget.value) })} />
                  ))}
                </div>
              </Fieldset>
            )}
          </Stack>
        )
      }}
    </Answer>
  )
}
