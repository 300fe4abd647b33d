import { Anchor } from '@mantine/core'
import { createElement, type ReactNode } from 'react'
import { Linked } from './Linked'

// What Telegram knows of HTML (core.telegram.org/bots/api#html-style), without what needs more than a tag.
const plain: Record<string, string> = { b: 'strong', strong: 'strong', i: 'em', em: 'em', u: 'u', ins: 'u', s: 's', strike: 's', del: 's', code: 'code', pre: 'pre', blockquote: 'blockquote' }

/** A Telegram text as its app shows it. Only the tags above become elements of ours; everything else stays text. */
export function Marked({ text }: { text: string }) {
  const body = new DOMParser().parseFromString(text, 'text/html').body // parsed, never put into the page
  return [...body.childNodes].map(show)
}

function show(node: ChildNode, key: number): ReactNode {
  if (!(node instanceof HTMLElement)) return <Linked key={key} text={node.textContent ?? ''} />
  const children = [...node.childNodes].map(show)
  const name = node.tagName.toLowerCase()
  if (name === 'a' && /^https?:/i.test(node.getAttribute('href') ?? ''))
    return (
      <Anchor key={key} href={node.getAttribute('href')!} target="_blank" rel="noreferrer" inherit underline="always">
        {children}
      </Anchor>
    )
  return createElement(plain[name] ?? 'span', { key }, ...children)
}
