import { Button, Group, Modal, Radio, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client } from '../../api/client'
import { need } from '../../api/pages'
import { codeOf, fieldErrors } from '../../api/problem'
import { ProblemAlert } from '../../ui/Problem'
import classes from './NewTemplate.module.css'
import type { Source } from './source'

/** A new template begins as one of the starters, or with a line of its own. */
export function NewTemplate({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('templates')
  const { t: common } = useTranslation()
  const queries = useQueryClient()
  const go = useNavigate()
  const [key, setKey] = useState('')
  const [start, setStart] = useState('')
  const starters = useQuery({ queryKey: ['starters'], queryFn: () => need(client.GET('/v1/starters')), enabled: opened, staleTime: Infinity })
  const make = useMutation({
    mutationFn: async () => {
      // A key that is there already would get a version that its author did not ask for.
      const there = await client.GET('/v1/templates/{key}', { params: { path: { key } } })
      if (there.response.ok) throw { title: 'taken', status: 409, detail: t('make.taken', { key }) }
      const source: Source = starters.data?.data.find((s) => s.key === start)?.source ?? { topic: '', variants: [{ channel: 'email', subject: t('make.subject'), html: `<p>${t('make.hello')} {{ customer.name | default: "" }},</p>` }] }
      return need(client.PUT('/v1/templates/{key}', { params: { path: { key } }, body: source }))
    },
    onSuccess: async (made) => {
      void queries.invalidateQueries({ queryKey: ['templates'] })
      onClose()
      await go({ to: '/templates/$key', params: { key: made.key } })
    },
  })
  const errors = fieldErrors(make.error)
  return (
    <Modal opened={opened} onClose={onClose} title={t('new')} size="lg" closeButtonProps={{ 'aria-label': common('close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          make.mutate()
        }}
      >
        <Stack>
          <TextInput label={t('make.key')} description={t('make.keyAbout')} placeholder="autumn-sale" required withAsterisk={false} data-autofocus value={key} error={errors.key} onChange={(e) => setKey(e.currentTarget.value.toLowerCase().replace(/\s+/g, '-'))} />
          <Radio.Group label={t('make.start')} value={start} onChange={setStart}>
            <div className={classes.cards}>
              {['', ...(starters.data?.data.map((s) => s.key) ?? [])].map((k) => (
                <Radio.Card key={k} value={k} className={classes.card}>
                  <Radio.Indicator aria-hidden />
                  <span>
                    <b>{k || t('make.blank')}</b>
                    <small>{k ? t('make.starter') : t('make.blankAbout')}</small>
                  </span>
                </Radio.Card>
              ))}
            </div>
          </Radio.Group>
          {make.error && !errors.key && codeOf(make.error) !== 'key' && <ProblemAlert error={make.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>{common('cancel')}</Button>
            <Button type="submit" loading={make.isPending} disabled={!key}>{t('make.act')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
