import { Checkbox, Group, Switch } from '@mantine/core'
import { allows, useSession } from '../../../api/session'
import { useWords } from '../kit/words'
import classes from './ScopeMatrix.module.css'

/** What scopes are about; `reads` and `writes` say which of the two the API has. */
const nouns = [
  { noun: 'customers', reads: true, writes: true },
  { noun: 'messages', reads: true, writes: true },
  { noun: 'threads', reads: true, writes: true },
  { noun: 'campaigns', reads: true, writes: true },
  { noun: 'templates', reads: true, writes: true },
  { noun: 'topics', reads: true, writes: true },
  { noun: 'events', reads: true, writes: true },
  { noun: 'files', reads: true, writes: true },
  { noun: 'suppressions', reads: true, writes: true },
  { noun: 'endpoints', reads: true, writes: true },
  { noun: 'providers', reads: true, writes: true },
  { noun: 'agents', reads: true, writes: true },
  { noun: 'keys', reads: true, writes: true },
  { noun: 'jobs', reads: true, writes: false },
  { noun: 'system', reads: true, writes: false },
  { noun: 'audit', reads: true, writes: false },
  { noun: 'sandbox', reads: true, writes: true },
] as const

export const nounsOf = () => nouns

/** Scopes as a table: what may be read, what may be changed. Nobody gives what they do not have. */
export function ScopeMatrix({ nouns, value, onChange }: { nouns: ReturnType<typeof nounsOf>; value: string[]; onChange: (scopes: string[]) => void }) {
  const { t } = useWords()
  const { scopes: mine } = useSession()
  const has = (s: string) => value.includes('*') || value.includes(s) || (s.startsWith('read:') && value.includes('read:*'))
  const toggle = (s: string) => onChange(value.includes(s) ? value.filter((x) => x !== s) : [...value, s])
  const all = value.includes('*')
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
          {nouns.map(({ noun, reads, writes }) => (
            <tr key={noun}>
              <th scope="row">{t(`nouns.${noun}`)}</th>
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
