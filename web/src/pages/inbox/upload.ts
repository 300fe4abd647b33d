import { useCallback, useEffect, useRef, useState } from 'react'
import type { Schemas } from '../../api/client'
import { newKey } from '../../api/key'
import type { Problem } from '../../api/problem'
import { csrfToken } from '../../api/session-state'

export type Upload = { key: string; name: string; size: number; done: number; problem?: Problem }

/** Files on their way to the server, with how far they are: fetch does not tell, XMLHttpRequest does. */
export function useUploads(arrived: (file: Schemas['File']) => void) {
  const [uploads, setUploads] = useState<Upload[]>([])
  const requests = useRef(new Map<string, XMLHttpRequest>())

  const mark = (key: string, change: Partial<Upload>) => setUploads((was) => was.map((u) => (u.key === key ? { ...u, ...change } : u)))
  const drop = useCallback((key: string) => {
    requests.current.get(key)?.abort()
    requests.current.delete(key)
    setUploads((was) => was.filter((u) => u.key !== key))
  }, [])

  const add = (files: Iterable<File>) => {
    for (const file of files) {
      const key = newKey()
      setUploads((was) => [...was, { key, name: file.name, size: file.size, done: 0 }])
      const r = new XMLHttpRequest()
      requests.current.set(key, r)
      r.open('POST', `/v1/files?name=${encodeURIComponent(file.name.slice(0, 200) || 'file')}`)
      r.setRequestHeader('Content-Type', 'application/octet-stream')
      r.setRequestHeader('X-CSRF-Token', csrfToken())
      r.setRequestHeader('Idempotency-Key', key)
      r.responseType = 'json'
      r.upload.onprogress = (e) => mark(key, { done: e.lengthComputable ? e.loaded / e.total : 0 })
      r.onload = () => {
        if (r.status === 201) {
          arrived(r.response as Schemas['File'])
          drop(key)
        } else mark(key, { problem: (r.response as Problem | null) ?? { title: r.statusText, status: r.status } })
      }
      r.onerror = () => mark(key, { problem: { title: 'offline', status: 0 } })
      r.send(file)
    }
  }
  /** One that does not fit is shown with the reason, and goes nowhere. */
  const refuse = (file: File, why: string) => setUploads((was) => [...was, { key: newKey(), name: file.name, size: file.size, done: 0, problem: { title: why, status: 413 } }])

  // Whoever leaves takes nothing along that is still on its way.
  useEffect(() => {
    const all = requests.current
    return () => all.forEach((r) => r.abort())
  }, [])
  return { uploads, add, refuse, drop }
}
