import { newKey } from '../../api/key'
import { csrfToken } from '../../api/session-state'
import type { Schemas } from '../../api/client'

/** Keeps a file on the server; its id is what a message names it by. */
export async function upload(file: File): Promise<string> {
  const answer = await fetch(`/v1/files?name=${encodeURIComponent(file.name.slice(0, 200) || 'file')}`, {
    method: 'POST',
    body: file,
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/octet-stream', 'X-CSRF-Token': csrfToken(), 'Idempotency-Key': newKey() },
  })
  const body: unknown = await answer.json().catch(() => ({ title: answer.statusText, status: answer.status }))
  if (!answer.ok) throw body
  return (body as Schemas['File']).id
}
