import type { Schemas } from '../../api/client'
import { newKey } from '../../api/key'
import type { Problem } from '../../api/problem'
import { csrfToken } from '../../api/session-state'

/** Sends a file of customers and tells how much of it is over, from 0 to 1: fetch cannot. */
export function upload(file: Blob, type: string, query: Record<string, string>, onProgress: (share: number) => void): Promise<Schemas['Job']> {
  return new Promise((resolve, reject) => {
    const ask = new XMLHttpRequest()
    ask.open('POST', `/v1/customers/import?${new URLSearchParams(query).toString()}`)
    ask.setRequestHeader('Content-Type', type)
    ask.setRequestHeader('X-CSRF-Token', csrfToken())
    ask.setRequestHeader('Idempotency-Key', newKey())
    ask.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total)
    ask.onload = () => {
      let answer: unknown
      try {
        answer = JSON.parse(ask.responseText)
      } catch {
        answer = { title: ask.statusText, status: ask.status } satisfies Problem
      }
      if (ask.status >= 200 && ask.status < 300) resolve(answer as Schemas['Job'])
      else reject(answer as Error)
    }
    ask.onerror = () => reject(new Error('the connection was lost'))
    ask.send(file)
  })
}
