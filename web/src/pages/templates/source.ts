import type { Schemas } from '../../api/client'

export type Source = Schemas['Source']
export type Variant = Schemas['Variant']
export type Preview = Schemas['Preview']

export const channels = ['email', 'sms', 'whatsapp', 'telegram', 'webhook'] as const

export const placeOf = (v: Variant) => `${v.channel}/${v.locale ?? ''}`

/** What a variant begins as: words that are valid, so that the preview shows something at once. */
export function firstWords(channel: string, locale: string, like: Variant | undefined): Variant {
  if (like) return { ...like, locale: locale || undefined }
  const at = { channel, locale: locale || undefined } as Variant
  if (channel === 'email') return { ...at, subject: 'Hello', html: '<p>Hello {{ customer.name | default: "" }}</p>' }
  if (channel === 'webhook') return { ...at, body: { text: 'Hello {{ customer.name }}' } }
  return { ...at, text: 'Hello {{ customer.name | default: "" }}' }
}

/** A variant as texts by name, for editors and for comparing. */
export function texts(v: Variant): [string, string][] {
  const out: [string, string][] = []
  for (const [name, text] of [['subject', v.subject], ['preheader', v.preheader], ['html', v.html], ['mjml', v.mjml], ['text', v.text]] as const) if (text) out.push([name, text])
  if (v.body !== undefined) out.push(['body', typeof v.body === 'string' ? v.body : JSON.stringify(v.body, null, 2)])
  if (v.buttons?.length) out.push(['buttons', JSON.stringify(v.buttons, null, 2)])
  return out
}
