import { Radio, Select, Stack, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import classes from './choices.module.css'
import type { Draft } from './draft'

type Props = { draft: Draft; change: (part: Partial<Draft>) => void; topics: Schemas['Topic'][]; fromTemplate: string | undefined; errors: Record<string, string> }

export function About({ draft, change, topics, fromTemplate, errors }: Props) {
  const { t, i18n } = useTranslation('campaigns')
  const titleOf = (x: Schemas['Topic']) => x.title?.[i18n.language] ?? x.title?.en ?? Object.values(x.title ?? {})[0] ?? x.key
  return (
    <Stack maw={560}>
      <TextInput label={t('about_.name')} placeholder={t('about_.namePlaceholder')} value={draft.name} maxLength={200} error={errors.name} onChange={(e) => change({ name: e.currentTarget.value })} />
      <Radio.Group label={t('about_.purpose')} value={draft.purpose} onChange={(v) => change({ purpose: v as Draft['purpose'] })} error={errors.purpose}>
        <div className={classes.cards}>
          {(['marketing', 'transactional'] as const).map((p) => (
            <Radio.Card key={p} value={p} className={classes.card}>
              <Radio.Indicator aria-hidden />
              <span>
                <b>{t(`purpose.${p}`)}</b>
                <small>{t(`about_.${p}`)}</small>
              </span>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
      <Select
        label={t('about_.topic')}
        description={t('about_.topicAbout')}
        placeholder={fromTemplate ? t('about_.topicOfTemplate', { topic: fromTemplate }) : t('about_.topicPlaceholder')}
        clearable
        searchable
        value={draft.topic || null}
        onChange={(v) => change({ topic: v ?? '' })}
        error={errors.topic}
        data={topics.filter((x) => draft.purpose === 'transactional' || x.policy !== 'none').map((x) => ({ value: x.key, label: titleOf(x) }))}
      />
    </Stack>
  )
}
