import { problemOf } from '../../api/problem'

/**
 * Saves a list as a file. A link cannot ask for CSV (the API goes by the Accept header), so the browser collects the
 * stream into a blob, which it keeps outside the page's memory when it is large.
 */
export async function download(path: string, name: string): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(path, { headers: { Accept: 'text/csv' }, credentials: 'same-origin' })
  } catch (e) {
    throw problemOf(e)
  }
  if (!answer.ok) throw (await answer.json().catch(() => ({ title: answer.statusText, status: answer.status }))) as unknown
  const url = URL.createObjectURL(await answer.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
