import { Button, ColorInput, ColorSwatch, TextInput } from '@mantine/core'
import { IconPlus, IconTags } from '@tabler/icons-react'
import { useState } from 'react'
import { client, type Schemas } from '../../../api/client'
import { need, usePages } from '../../../api/pages'
import { fieldErrors } from '../../../api/problem'
import { useCan } from '../../../api/session'
import { Empty } from '../../../ui/Empty'
import { useFormat } from '../../../ui/format'
import { Page } from '../../../ui/Page'
import { useAct } from '../kit/act'
import { Dialog } from '../kit/Dialog'
import { Lines } from '../kit/Lines'
import { useWords } from '../kit/words'
import kit from '../kit/kit.module.css'

type Label = Schemas['Label']
const swatches = ['#3457d5', '#0b8a6a', '#2f9e44', '#e8a200', '#e8590c', '#d6336c', '#9c36b5', '#5b6478']

/** Labels that threads carry, and their colours. */
export default function Labels() {
  const { t } = useWords()
  const can = useCan()('write:threads')
  const format = useFormat()
  const [open, setOpen] = useState<Label | 'new'>()
  const list = usePages(['labels', 'list'], (cursor) => need(client.GET('/v1/labels', { params: { query: { cursor, limit: 100 } } })), { idOf: (l) => l.name })
  const add = can && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen('new')}>
      {t('labels.add')}
    </Button>
  )
  return (
    <Page title={t('sections.labels')} about={t('labels.about')} actions={add}>
      <Lines
        of={list}
        label={t('sections.labels')}
        keyOf={(l) => l.name}
        empty={
          <Empty icon={IconTags} title={t('labels.none')} action={add}>
            {t('labels.noneAbout')}
          </Empty>
        }
      >
        {(l) => (
          <>
            <ColorSwatch size={16} color={l.colour || 'var(--r-line)'} withShadow={false} aria-hidden />
            <div className={`${kit.grow} ${kit.name}`}>{l.name}</div>
            <div className={kit.end}>
              <span className={kit.soft}>{t('labels.threads', { count: l.threads, n: format.number(l.threads) })}</span>
              {can && (
                <Button size="xs" variant="default" onClick={() => setOpen(l)} aria-label={t('editOne', { name: l.name })}>
                  {t('common:edit')}
                </Button>
              )}
            </div>
          </>
        )}
      </Lines>
      {open && <Edit label={open === 'new' ? undefined : open} onClose={() => setOpen(undefined)} />}
    </Page>
  )
}

function Edit({ label, onClose }: { label?: Label; onClose: () => void }) {
  const { t } = useWords()
  const [name, setName] = useState(label?.name ?? '')
  const [colour, setColour] = useState(label?.colour ?? swatches[0]!)
  const save = useAct(() => need(client.PUT('/v1/labels/{name}', { params: { path: { name } }, body: { colour } })), { quiet: true, refresh: ['labels'], said: t('common:saved'), then: onClose })
  const wrong = fieldErrors(save.error)
  return (
    <Dialog title={label ? t('editOne', { name: label.name }) : t('labels.add')} open onClose={onClose} onSubmit={() => save.mutate(undefined)} act={save} word={t('common:save')} fields={['name', 'colour']}>
      {!label && <TextInput label={t('labels.name')} required withAsterisk={false} data-autofocus value={name} error={wrong.name} onChange={(e) => setName(e.currentTarget.value)} />}
      <ColorInput label={t('labels.colour')} description={t('labels.colourAbout')} value={colour} error={wrong.colour} onChange={setColour} swatches={swatches} swatchesPerRow={8} withEyeDropper={false} popoverProps={{ withinPortal: true }} />
    </Dialog>
  )
}
