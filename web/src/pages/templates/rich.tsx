import { Fragment, type ReactNode } from 'react'

const marks: Record<string, 'b' | 'i' | 'u' | 's' | 'code' | 'pre' | 'blockquote'> = { b: 'b', strong: 'b', i: 'i', em: 'i', u: 'u', ins: 'u', s: 's', strike: 's', del: 's', code: 'code', pre: 'pre', blockquote: 'blockquote' }

/** Telegram's subset of HTML as React has it: nothing of the text reaches the page as markup. */
export function rich(html: string): ReactNode {
  const nodes = new DOMParser().parseFromString(html, 'text/html').body.childNodes
  return [...nodes].map((n, i) => <Fragment key={i}>{one(n)}</Fragment>)
}

function one(n: ChildNode): ReactNode {
  if (n.nodeType === Node.TEXT_NODE) return n.textContent
  if (!(n instanceof Element)) return null
  const inner = [...n.childNodes].map((c, i) => <Fragment key={i}>{one(c)}</Fragment>)
  const name = n.localName
  if (name === 'a') return <span style={{ color: 'var(--mantine-color-anchor)', textDecoration: 'underline' }} title={n.getAttribute('href') ?? ''}>{inner}</span>
  const Mark = marks[name]
  return Mark ? <Mark>{inner}</Mark> : inner
}
