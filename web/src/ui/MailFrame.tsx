import { useCallback, useEffect, useRef, useState } from 'react'
import classes from './MailFrame.module.css'

type Props = {
  title: string
  /** Fixed, in pixels; else the frame is as tall as the mail. */
  height?: number
  /** No taller than that. */
  most?: number
  /** Told how tall the mail is. */
  grown?: (height: number) => void
} & (
  | { /** At hand as text. */ html: string; src?: undefined }
  | { /** The server's address of the document. */ src: string; html?: undefined }
)

/**
 * A mail as its reader would see it, in a frame whose sandbox lets no script run. One from the server comes with a policy
 * of its own. One that is at hand is put into an empty page that has such a policy (api/app.go), because in srcdoc it would
 * have the app's, which forbids the styles that mails are made of.
 */
export function MailFrame({ title, html, src, height, most = 20_000, grown }: Props) {
  const frame = useRef<HTMLIFrameElement>(null)
  const [own, setOwn] = useState(120)
  const watch = useRef<ResizeObserver>(undefined)
  const tell = useRef(grown)
  useEffect(() => {
    tell.current = grown
  })
  useEffect(() => () => watch.current?.disconnect(), [])

  const draw = useCallback(() => {
    const page = frame.current?.contentDocument
    if (!page || page.URL === 'about:blank') return // not loaded yet
    if (html !== undefined) {
      // The frame's own parser, since a parsed document has the policy of the window whose parser it was.
      const window = frame.current!.contentWindow as Window & typeof globalThis
      const mail = new window.DOMParser().parseFromString(html, 'text/html')
      for (const a of mail.querySelectorAll('a')) a.target = '_blank'
      page.replaceChild(page.adoptNode(mail.documentElement), page.documentElement)
    }
    watch.current?.disconnect()
    const measure = () => {
      const tall = Math.min(20_000, Math.max(24, page.documentElement.offsetHeight))
      setOwn(tall)
      tell.current?.(tall)
    }
    watch.current = new ResizeObserver(measure)
    if (page.body) watch.current.observe(page.body)
    measure()
  }, [html])
  useEffect(draw, [draw])

  return (
    <iframe
      ref={frame}
      className={classes.frame}
      title={title}
      src={src ?? '/frame.html'}
      height={height ?? Math.min(own, most)}
      sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
      referrerPolicy="no-referrer"
      loading={src === undefined ? undefined : 'lazy'}
      onLoad={draw}
    />
  )
}
