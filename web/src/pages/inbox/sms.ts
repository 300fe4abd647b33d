// GSM 03.38: the basic alphabet, and what costs two places of it.
const basic = new Set('@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà')
const double = new Set('\f^{}\\[~]|€')

/** How many parts a text message becomes. One letter outside the GSM alphabet makes all of them half as long. */
export function segments(text: string): { parts: number; left: number; wide: boolean } {
  const letters = [...text]
  const wide = letters.some((c) => !basic.has(c) && !double.has(c))
  const sizes = letters.map((c) => (wide ? c.length : double.has(c) ? 2 : 1))
  const total = sizes.reduce((a, b) => a + b, 0)
  const [alone, joined] = wide ? [70, 67] : [160, 153]
  if (total <= alone) return { parts: total === 0 ? 0 : 1, left: alone - total, wide }
  // A letter of two places is never cut in two.
  let parts = 1
  let used = 0
  for (const size of sizes) {
    if (used + size > joined) {
      parts++
      used = 0
    }
    used += size
  }
  return { parts, left: joined - used, wide }
}
