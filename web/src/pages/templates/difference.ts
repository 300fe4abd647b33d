import { diffArrays, diffLines } from 'diff'

/** One line of a comparison; of one that was rewritten, which parts of it. */
export type Line = { kind: 'kept' | 'removed' | 'added'; parts: { text: string; changed: boolean }[] }

/** Edits after which two passages are no longer the same one rewritten, and looking on would cost time. */
const most = 400

/** How one text became the other, line by line, and within lines that were rewritten word by word. */
export function difference(from: string, to: string): Line[] {
  const out: Line[] = []
  const blocks = diffLines(from, to)
  for (let i = 0; i < blocks.length; i++) {
    const [a, b] = [blocks[i]!, blocks[i + 1]]
    if (a.removed && b?.added) {
      out.push(...rewritten(a.value, b.value))
      i++
    } else out.push(...lines(a.value, false).map((parts) => ({ kind: a.added ? ('added' as const) : a.removed ? ('removed' as const) : ('kept' as const), parts })))
  }
  return out
}

function rewritten(from: string, to: string): Line[] {
  const words = diffArrays(tokens(from), tokens(to), { maxEditLength: most })
  // Where little was left, marks on nearly every word would say less than the two passages one after the other.
  const kept = (words ?? []).reduce((sum, w) => sum + (w.added || w.removed ? 0 : w.value.join('').trim().length), 0)
  const alike = words !== undefined && kept * 3 >= Math.max(from.trim().length, to.trim().length)
  const side = (kind: 'removed' | 'added'): Line[] => {
    const whole = kind === 'removed' ? from : to
    if (!alike) return lines(whole, false).map((parts) => ({ kind, parts }))
    const all: Line['parts'][] = [[]]
    for (const w of words) {
      if (kind === 'removed' ? w.added : w.removed) continue
      const [first, ...rest] = lines(w.value.join(''), w.added || w.removed, true)
      all.at(-1)!.push(...first!)
      all.push(...rest)
    }
    if (whole.endsWith('\n')) all.pop()
    return all.map((parts) => ({ kind, parts }))
  }
  return [...side('removed'), ...side('added')]
}

/** Words of any script, spaces, and every other sign alone. */
function tokens(text: string): string[] {
  return text.match(/[\p{L}\p{M}\p{N}_]+|[^\S\n]+|[^]/gu) ?? []
}

function lines(text: string, changed: boolean, tail = false): Line['parts'][] {
  return (tail ? text : text.replace(/\n$/, '')).split('\n').map((text) => (text === '' ? [] : [{ text, changed }]))
}
