import { Checkbox, Group, Switch } from '@mantine/core'
import { useMemo } from 'react'
import { allows, useSession } from '../../../api/session'
import { useWords } from '../kit/words'
import { nouns } from './vocabulary'
import classes from './ScopeMatrix.module.css'

/** Scopes as a table: what may be read, what may be changed. Nobody gives what they do not have. */
export function ScopeMatrix({ value, onChange }: { value: string[]; onChange: (scopes: string[]) => void }) {
  const { t, i18n } = useWords()
  const { scopes: mine } = useSession()
  const has = (s: string) => value.includes('*') || value.includes(s) || (s.startsWith('read:') && value.includes('read:*'))
  const toggle = (s: string) => onChange(value.includes(s) ? value.filter((x) => x !== s) : [...value, s])
  const all = value.includes('*')
  const rows = useMemo(() => nouns.map((n) => ({ ...n, name: t(`nouns.${n.noun}`) })).sort((a, b) => a.name.localeCompare(b.name, i18n.language)), [t, i18n.language])
  return (
    <>
      <Group gap="lg" mb="xs">
        <Switch size="xs" label={t('keys.everything')} disabled={!mine.includes('*')} checked={all} onChange={() => onChange(all ? [] : ['*'])} />
        <Switch size="xs" label={t('keys.readEverything')} disabled={all || !allows(mine, 'read:*')} checked={all || value.includes('read:*')} onChange={() => onChange(value.includes('read:*') ? value.filter((s) => s !== 'read:*') : [...value.filter((s) => !s.startsWith('read:')), 'read:*'])} />
      </Group>
      <table className={classes.matrix}>
        <thead>
          <tr>
            <th scope="col">{t('keys.thing')}</th>
            <th scope="col">{t('keys.read')}</th>
            <th scope="col">{t('keys.write')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ noun, name, reads, writes }) => (
            <tr key={noun}>
              <th scope="row">{name}</th>
              {(['read', 'write'] as const).map((verb) => {
                const scope = `${verb}:${noun}`
                if (verb === 'read' ? !reads : !writes) return <td key={verb} />
                return (
                  <td key={verb}>
                    <Checkbox size="xs" aria-label={scope} title={scope} checked={has(scope)} disabled={all || (verb === 'read' && value.includes('read:*')) || !allows(mine, scope)} onChange={() => toggle(scope)} />
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
