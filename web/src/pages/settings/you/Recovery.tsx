import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { Copy } from '../kit/Copy'
import { useWords } from '../kit/words'
import classes from './you.module.css'

/** Recovery codes, seen once: they can be copied or downloaded, and one says that one has them. */
export function Recovery({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { t } = useWords()
  const [kept, setKept] = useState(false)
  const text = codes.join('\n')
  const download = () => {
    const url = URL.createObjectURL(new Blob([text + '\n'], { type: 'text/plain' }))
    const a = document.createElement('a')
    a.href = url
    a.download = 'rapport-recovery-codes.txt'
    a.click()
    URL.revokeObjectURL(url)
  }
  return (
    <Stack>
      <Text size="sm">{t('totp.codesAbout')}</Text>
      <ol className={classes.codes} aria-label={t('totp.codes')}>
        {codes.map((c) => (
          <li key={c}>{c}</li>
        ))}
      </ol>
      <Group gap="xs">
        <Copy text={text} />
        <Button variant="default" leftSection={<IconDownload size={16} />} onClick={download}>
          {t('totp.download')}
        </Button>
      </Group>
      <Checkbox label={t('totp.kept')} checked={kept} onChange={(e) => setKept(e.currentTarget.checked)} />
      <Button disabled={!kept} onClick={onDone}>
        {t('totp.done')}
      </Button>
    </Stack>
  )
}
