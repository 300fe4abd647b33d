import { Button, Group, Text } from '@mantine/core'
import { IconPhotoOff } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './Entry.module.css'

/** Whether a mail names pictures that lie elsewhere: asking for them tells its sender that somebody looks. */
const remote = /<(?:img|td|table|body)\b[^>]*\b(?:src|background)\s*=\s*["']?https?:/i

const tallest = 560

/**
 * A mail as its sender drew it. The document comes from the server without anything that could run, under a policy of its own;
 * the frame's sandbox forbids scripts once more. Its height can be measured because it is of our origin.
 */
export function MailFrame({ entry, html, title }: { entry: string; html: string; title: string }) {
  const { t } = useTranslation(['inbox', 'common'])
  const frame = useRef<HTMLIFrameElement>(null)
  const [pictures, setPictures] = useState(false)
  const [height, setHeight] = useState(120)
  const [whole, setWhole] = useState(false)
  const watch = useRef<ResizeObserver>(undefined)
  useEffect(() => () => watch.current?.disconnect(), [])
  const measure = () => {
    const page = frame.current?.contentDocument
    if (!page?.body) return
    watch.current?.disconnect()
    const tell = () => setHeight(Math.min(20_000, Math.max(24, page.documentElement.offsetHeight)))
    watch.current = new ResizeObserver(tell)
    watch.current.observe(page.body)
    tell()
  }
  return (
    <div className={classes.mail}>
      {!pictures && remote.test(html) && (
        <Group gap={8} className={classes.remote} wrap="nowrap">
          <IconPhotoOff size={16} aria-hidden />
          <Text size="xs" flex={1}>{t('mail.blocked')}</Text>
          <Button size="compact-xs" variant="subtle" flex="none" onClick={() => setPictures(true)}>
            {t('mail.show')}
          </Button>
        </Group>
      )}
      <iframe
        ref={frame}
        className={classes.frame}
        title={title}
        height={whole ? height : Math.min(height, tallest)}
        sandbox="allow-popups allow-popups-to-escape-sandbox allow-same-origin"
        referrerPolicy="no-referrer"
        loading="lazy"
        src={`/v1/entries/${encodeURIComponent(entry)}/html${pictures ? '?remote_images=true' : ''}`}
        onLoad={measure}
      />
      {height > tallest && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setWhole(!whole)}>
          {whole ? t('mail.less') : t('mail.whole')}
        </Button>
      )}
    </div>
  )
}
