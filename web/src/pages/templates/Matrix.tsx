import { ActionIcon, Button, Menu, TextInput, Tooltip, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ChannelIcon, useChannelName } from '../../ui/Channel'
import { confirm } from '../../ui/confirm'
import { within, type Faults } from './faults'
import classes from './Matrix.module.css'
import { channels, firstWords, placeOf, type Source, type Variant } from './source'

type Props = { source: Source; place: string; onPlace: (place: string) => void; onChange: (variants: Variant[]) => void; may: boolean; faults: Faults }

/** Channels down, languages across: what there is, what is missing, and which one is being written. */
export function Matrix({ source, place, onPlace, onChange, may, faults }: Props) {
  const { t } = useTranslation('templates')
  const { t: common } = useTranslation()
  const name = useChannelName()
  const variants = source.variants ?? []
  const locales = [...new Set(variants.map((v) => v.locale ?? ''))].sort()
  const [more, setMore] = useState<string[]>([])
  const columns = [...locales, ...more.filter((l) => !locales.includes(l))]
  const used = channels.filter((c) => variants.some((v) => v.channel === c))
  const [language, setLanguage] = useState('')
  const add = (channel: string, locale: string) => {
    const v = firstWords(channel, locale, variants.find((x) => x.channel === channel))
    onChange([...variants, v])
    onPlace(placeOf(v))
  }
  const remove = (v: Variant) => {
    const rest = variants.filter((x) => x !== v)
    onChange(rest)
    if (placeOf(v) === place && rest[0]) onPlace(placeOf(rest[0]))
  }
  return (
    <div className={classes.all}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col"><span className="visually-hidden">{t('channel')}</span></th>
            {columns.map((l) => <th key={l} scope="col">{l || t('anyLanguage')}</th>)}
            {may && (
              <th>
                <Menu withinPortal position="bottom-start" closeOnItemClick={false}>
                  <Menu.Target>
                    <Tooltip label={t('addLanguage')}><ActionIcon variant="subtle" color="gray" size={24} aria-label={t('addLanguage')}><IconPlus size={14} /></ActionIcon></Tooltip>
                  </Menu.Target>
                  <Menu.Dropdown p="xs">
                    <form onSubmit={(e) => { e.preventDefault(); const l = language.trim(); if (l) setMore([...more, l]); setLanguage('') }}>
                      <TextInput size="xs" label={t('addLanguage')} placeholder="en, ru, pt-BR" value={language} onChange={(e) => setLanguage(e.currentTarget.value)} data-autofocus rightSection={<ActionIcon type="submit" size={22} variant="subtle" aria-label={common('add')}><IconPlus size={14} /></ActionIcon>} />
                    </form>
                  </Menu.Dropdown>
                </Menu>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {used.map((c) => (
            <tr key={c}>
              <th scope="row"><ChannelIcon channel={c} size={20} /> {name(c)}</th>
              {columns.map((l) => {
                const v = variants.find((x) => x.channel === c && (x.locale ?? '') === l)
                const bad = v && within(faults, `variants[${variants.indexOf(v)}]`).length > 0
                const label = `${name(c)}, ${l || t('anyLanguage')}`
                const words = !v || v.channel === 'webhook' ? 'JSON' : v.subject?.slice(0, 16) || t('words', { count: (v.text ?? '').split(/\s+/).filter(Boolean).length || 1 })
                return (
                  <td key={l}>
                    {v ? (
                      <span className={classes.cell} data-on={placeOf(v) === place || undefined} data-bad={bad || undefined}>
                        <UnstyledButton className={classes.pick} aria-pressed={placeOf(v) === place} onClick={() => onPlace(placeOf(v))} aria-label={t('write', { what: `${label}: ${words}${bad ? `, ${t('faulty')}` : ''}` })}>{bad && <IconAlertTriangle size={14} aria-hidden />}{words}</UnstyledButton>
                        {may && placeOf(v) === place && variants.length > 1 && <ActionIcon variant="subtle" color="red" size={24} aria-label={t('remove', { what: label })} onClick={() => confirm({ title: t('removeTitle', { what: label }), about: t('removeAbout'), act: common('delete'), onYes: () => remove(v) })}><IconTrash size={14} /></ActionIcon>}
                      </span>
                    ) : (
                      may && <ActionIcon variant="subtle" color="gray" size={24} aria-label={t('addVariant', { what: label })} onClick={() => add(c, l)}><IconPlus size={14} /></ActionIcon>
                    )}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {may && used.length < channels.length && (
        <Menu withinPortal position="bottom-start">
          <Menu.Target><Button size="compact-sm" variant="subtle" leftSection={<IconPlus size={14} />}>{t('addChannel')}</Button></Menu.Target>
          <Menu.Dropdown>
            {channels.filter((c) => !used.includes(c)).map((c) => <Menu.Item key={c} onClick={() => add(c, locales[0] ?? '')}>{name(c)}</Menu.Item>)}
          </Menu.Dropdown>
        </Menu>
      )}
    </div>
  )
}
