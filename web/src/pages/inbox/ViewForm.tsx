import { Button, Checkbox, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { client, type Schemas } from '../../api/client'
import { need } from '../../api/pages'
import { ProblemAlert } from '../../ui/Problem'
import { asView, usePlace } from './filter'

/** Saves what one looks at as a view, or changes one that there is. */
export function ViewForm({ view, done, remove }: { view?: Schemas['View']; done: (v: Schemas['View']) => void; remove?: () => void }) {
  const { t } = useTranslation(['inbox', 'common'])
  const { filter, me } = usePlace()
  const [name, setName] = useState(view?.name ?? '')
  const [shared, setShared] = useState(view?.shared ?? false)
  const [taken, setTaken] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  const save = async () => {
    const body: Schemas['ViewInput'] = { name: name.trim(), shared, agent: shared ? undefined : me, filter: view && !taken ? view.filter : asView(filter), position: view?.position }
    setBusy(true)
    try {
      done(await need(view ? client.PUT('/v1/views/{id}', { params: { path: { id: view.id } }, body }) : client.POST('/v1/views', { body })))
    } catch (e) {
      setProblem(e)
      setBusy(false)
    }
  }
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        e.stopPropagation()
        if (name.trim()) void save()
      }}
    >
      <Stack gap="sm">
        {problem !== undefined && <ProblemAlert error={problem} />}
        <TextInput label={t('view.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} maxLength={100} data-autofocus description={view ? undefined : t('view.about')} />
        <Checkbox label={t('view.shared')} checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} />
        {view && <Checkbox label={t('view.take')} description={t('view.about')} checked={taken} onChange={(e) => setTaken(e.currentTarget.checked)} />}
        <Group justify={remove ? 'space-between' : 'flex-end'}>
          {remove && (
            <Button variant="subtle" color="red" onClick={remove}>
              {t('common:delete')}
            </Button>
          )}
          <Button type="submit" loading={busy} disabled={!name.trim()}>
            {t('common:save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
