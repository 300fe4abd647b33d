import { Button, Group, Text } from '@mantine/core'
import { IconPhotoOff } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { MailFrame } from '../../ui/MailFrame'
import classes from './Entry.module.css'

/** Whether a mail names pictures that lie elsewhere: asking for them tells its sender that somebody looks. */
const remote = /<(?:img|td|table|body)\b[^>]*\b(?:src|background)\s*=\s*["']?https?:/i

const tallest = 560

/** A mail as its sender drew it, without pictures from elsewhere until somebody asks for them. The document comes from the server, cleaned. */
export function Mail({ entry, html, title }: { entry: string; html: string; title: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const [pictures, setPictures] = useState(false)
  const [height, setHeight] = useState(0)
  const [whole, setWhole] = useState(false)
  return (
    <div className={classes.mail}>
      {!pictures && remote.test(html) && (
        <Group gap={8} className={classes.remote} wrap="nowrap">
          <IconPhotoOff size={16} aria-hidden />
          <Text size="xs" flex={1}>
            {t('mail.blocked')}
          </Text>
          <Button size="compact-xs" variant="subtle" flex="none" onClick={() => setPictures(true)}>
            {t('mail.show')}
          </Button>
        </Group>
      )}
      <MailFrame src={`/v1/entries/${encodeURIComponent(entry)}/html${pictures ? '?remote_images=true' : ''}`} title={title} most={whole ? undefined : tallest} grown={setHeight} />
      {height > tallest && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setWhole(!whole)}>
          {whole ? t('mail.less') : t('mail.whole')}
        </Button>
      )}
    </div>
  )
}
