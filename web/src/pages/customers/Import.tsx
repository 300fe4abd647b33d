import { Button, Group, Progress, Select, Stack, Table, Text, Title } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconFileSpreadsheet, IconUpload, IconX } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '../../api/session'
import { ProblemAlert } from '../../ui/Problem'
import { useFormat } from '../../ui/format'
import { Area } from './Area'
import { ConsentWords, saidOf, unsaid } from './ConsentWords'
import { columns as known, guess, guesses, isRefused, readCsv, separatorOf } from './csv'
import { inUtf8 } from './encoding'
import { channels } from './FilterBuilder'
import classes from './Import.module.css'
import { Job, Jobs } from './Jobs'
import { useTopics } from './topics'
import { upload } from './upload'

type Chosen = { file: File; was?: string; ndjson: boolean; head: string[]; rows: string[][]; lines: string[] }

const preview = 5
const maxBytes = 200 * 1024 * 1024

export function Import() {
  return useCan()('write:customers') ? <Work /> : <Navigate to="/customers" replace />
}

function Work() {
  const { t } = useTranslation('customers')
  const go = useNavigate()
  const search = useSearch({ strict: false }) as Record<string, unknown>
  const job = typeof search.job === 'string' ? search.job : undefined
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const [unreadable, setUnreadable] = useState(false)
  const choose = async (given: File) => {
    const { file, was } = await inUtf8(given)
    const text = await file.slice(0, 256 * 1024).text()
    const ndjson = /\.(ndjson|jsonl)$/i.test(file.name) || text.trimStart().startsWith('{')
    const rows = ndjson ? [] : readCsv(text, preview + 1, separatorOf(text))
    const lines = ndjson ? text.split('\n').filter(Boolean).slice(0, preview) : []
    setUnreadable(!ndjson && rows.length < 2)
    if (ndjson || rows.length > 1) setChosen({ file, was, ndjson, head: (rows[0] ?? []).map((h) => h.trim()), rows: rows.slice(1), lines })
  }
  const show = (id?: string) => void go({ to: '/customers/import', search: (id ? { job: id } : {}) as never })
  return (
    <Area title={t('import.title')} about={t('import.about')}>
      {job ? (
        <Job id={job} again={() => (setChosen(null), show())} />
      ) : chosen ? (
        <Prepare chosen={chosen} cancel={() => setChosen(null)} onStarted={(id) => (setChosen(null), show(id))} />
      ) : (
        <>
          <Dropzone onDrop={(files) => files[0] && void choose(files[0])} multiple={false} maxSize={maxBytes} onReject={() => setUnreadable(true)} className={classes.drop} inputProps={{ 'aria-label': t('import.choose') }}>
            <Stack align="center" gap={6} className={classes.dropText}>
              <Dropzone.Accept>
                <IconUpload size={36} stroke={1.4} />
              </Dropzone.Accept>
              <Dropzone.Reject>
                <IconX size={36} stroke={1.4} />
              </Dropzone.Reject>
              <Dropzone.Idle>
                <IconFileSpreadsheet size={36} stroke={1.4} />
              </Dropzone.Idle>
              <Text fw={600}>{t('import.drop')}</Text>
              <Text size="sm" c="dimmed">
                {t('import.dropAbout')}
              </Text>
            </Stack>
          </Dropzone>
          {unreadable && (
            <Text c="red" role="alert" mt="sm">
              {t('import.unreadable')}
            </Text>
          )}
          <Text size="sm" c="dimmed" mt="md" maw={760}>
            {t('import.columns')}
          </Text>
        </>
      )}
      <Jobs current={job} onOpen={show} />
    </Area>
  )
}

function Prepare({ chosen: c, cancel, onStarted }: { chosen: Chosen; cancel: () => void; onStarted: (job: string) => void }) {
  const { t } = useTranslation('customers')
  const { t: common } = useTranslation()
  const format = useFormat()
  const queries = useQueryClient()
  const [mapping, setMapping] = useState<string[]>(() => guesses(c.head, c.rows).map((g, i) => (i < 2 && isRefused(c.head) ? '-' : g)))
  const [said, setSaid] = useState(unsaid)
  const [share, setShare] = useState(0)
  const start = useMutation({
    mutationFn: () => {
      const query: Record<string, string> = { name: c.file.name }
      if (!c.ndjson) query.mapping = JSON.stringify(Object.fromEntries(c.head.map((h, i) => [h, mapping[i]])))
      Object.assign(query, Object.fromEntries(saidOf(said)))
      return upload(c.file, c.ndjson ? 'application/x-ndjson' : 'text/csv', query, setShare)
    },
    onSuccess: (job) => {
      void queries.invalidateQueries({ queryKey: ['jobs'] })
      onStarted(job.id)
    },
  })
  const consents = mapping.some((m) => m.startsWith('consent.')) || c.ndjson
  const twice = mapping.find((m, i) => m !== '-' && mapping.indexOf(m) !== i)
  const names = c.ndjson || mapping.some((m) => m === 'id' || m === 'external_id' || channels.some((x) => x === m))
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        start.mutate()
      }}
    >
      <Group justify="space-between" mb="sm">
        <Title order={2}>
          {c.file.name}{' '}
          <Text span size="sm" c="dimmed">
            {format.bytes(c.file.size)}
          </Text>
        </Title>
      </Group>
      {c.was && <Text size="sm" mb="sm">{t('import.recoded', { encoding: c.was.toUpperCase() })}</Text>}
      {c.ndjson ? (
        <pre className={classes.lines}>{c.lines.join('\n')}</pre>
      ) : (
        <div className={classes.scroll}>
          <Table aria-label={t('import.mapping')} verticalSpacing={8}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('import.column')}</Table.Th>
                <Table.Th>{t('import.becomes')}</Table.Th>
                <Table.Th>{t('import.firstRows')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {c.head.map((h, i) => (
                <Table.Tr key={i}>
                  <Table.Td fw={500}>{h || '—'}</Table.Td>
                  <Table.Td>
                    <Target name={h} value={mapping[i]!} onChange={(v) => setMapping(mapping.map((m, n) => (n === i ? v : m)))} error={mapping[i] === twice} />
                  </Table.Td>
                  <Table.Td className={classes.sample}>
                    {c.rows
                      .slice(0, 3)
                      .map((r) => r[i])
                      .filter(Boolean)
                      .join(' · ') || '—'}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      )}
      {consents && (
        <div className={classes.consent}>
          <ConsentWords value={said} onChange={setSaid} />
        </div>
      )}
      {twice && (
        <Text c="red" size="sm" role="alert" mt="sm">
          {t('import.twice', { name: twice })}
        </Text>
      )}
      {!names && (
        <Text c="red" size="sm" role="alert" mt="sm">
          {t('import.nobody')}
        </Text>
      )}
      {start.error && (
        <div className={classes.consent}>
          <ProblemAlert error={start.error} />
        </div>
      )}
      {start.isPending && <Progress value={share * 100} aria-label={t('import.uploading')} mt="md" />}
      <Group mt="lg" gap="xs">
        <Button type="submit" loading={start.isPending} disabled={!!twice || !names}>
          {t('import.start')}
        </Button>
        <Button variant="default" onClick={cancel} disabled={start.isPending}>
          {common('cancel')}
        </Button>
      </Group>
    </form>
  )
}

/** What a column becomes: one that the import knows, an attribute of its own name, a consent, or nothing. */
function Target({ name, value, onChange, error }: { name: string; value: string; onChange: (v: string) => void; error: boolean }) {
  const { t } = useTranslation('customers')
  const topics = useTopics()
  const own = guess(name)
  const attribute = own.startsWith('attr.') ? own : `attr.${name.trim().replace(/\W+/g, '_') || 'column'}`
  const consents = channels.flatMap((x) => topics.list.filter((y) => y.policy !== 'none').map((y) => `consent.${x}.${y.key}`))
  const groups = [
    { group: t('import.group.customer'), items: known.filter((k) => !k.startsWith('consent_')).map((k) => ({ value: k, label: k })) },
    { group: t('import.group.attribute'), items: [...new Set([attribute, ...(value.startsWith('attr.') || value.startsWith('data.') ? [value] : [])])].map((k) => ({ value: k, label: k })) },
    { group: t('import.group.consent'), items: [...new Set([...consents, ...(value.startsWith('consent.') ? [value] : []), ...known.filter((k) => k.startsWith('consent_'))])].map((k) => ({ value: k, label: k })) },
    { group: t('import.group.none'), items: [{ value: '-', label: t('import.leaveOut') }] },
  ]
  return <Select aria-label={t('import.becomesOf', { name })} searchable allowDeselect={false} data={groups} value={value} onChange={(v) => onChange(v!)} error={error} w={250} />
}
