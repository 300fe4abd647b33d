import type { Schemas } from '../../api/client'

export type Word = 'granted' | 'withdrawn' | 'none'

/**
 * What holds of marketing on a channel for a topic: the newest word about it; a withdrawal from everything that came
 * later stands over it. rows are newest first.
 */
export function latestWord(rows: Schemas['Consent'][], channel: string, topic: string): Word {
  for (const r of rows) {
    if (r.pending || r.channel !== channel || r.purpose !== 'marketing') continue
    if ((r.topic ?? '') === topic) return r.granted ? 'granted' : 'withdrawn'
    if (!r.topic && !r.granted) return 'withdrawn'
  }
  return 'none'
}
