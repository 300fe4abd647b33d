import { useCallback, useEffect, useRef } from 'react'
import classes from './MailFrame.module.css'

/**
 * A mail that is at hand as text, as its reader would see it. The frame is an empty page with a policy of its own
 * (api/app.go) and a sandbox without scripts: the mail is put into it here, because in srcdoc it would have the app's
 * policy, which forbids the styles that mails are made of.
 */
export function MailFrame({ html, title, height }: { html: string; title: string; height?: number }) {
  const frame = useRef<HTMLIFrameElement>(null)
  const fill = useCallback(() => {
    const page = frame.current?.contentDocument
    if (!page || page.URL === 'about:blank') return // not loaded yet
    // The frame's own parser, since a parsed document has the policy of the window whose parser it was.
    const own = frame.current!.contentWindow as Window & typeof globalThis
    const mail = new own.DOMParser().parseFromString(html, 'text/html')
    for (const a of mail.querySelectorAll('a')) a.target = '_blank'
    page.replaceChild(page.adoptNode(mail.documentElement), page.documentElement)
    if (!height) frame.current!.style.height = `${Math.min(2000, Math.max(120, page.documentElement.scrollHeight))}px`
  }, [html, height])
  useEffect(fill, [fill])
  return <iframe ref={frame} className={classes.frame} title={title} src="/frame.html" sandbox="allow-same-origin allow-popups" onLoad={fill} style={height ? { height } : undefined} />
}
