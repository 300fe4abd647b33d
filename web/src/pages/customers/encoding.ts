/** Enough of a file to tell how it is written. */
const sample = 256 * 1024

/** A text file in UTF-8, which is what the server reads, and how it was written before: spreadsheets still save in the code pages of Windows. */
export async function inUtf8(file: File): Promise<{ file: File; was?: string }> {
  const was = encodingOf(new Uint8Array(await file.slice(0, sample).arrayBuffer()))
  if (!was) return { file }
  const text = file.stream().pipeThrough(new TextDecoderStream(was)).pipeThrough(new TextEncoderStream())
  return { file: new File([await new Response(text).blob()], file.name, { type: file.type }), was }
}

/** The encoding of what is not UTF-8. */
export function encodingOf(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | 'windows-1251' | 'windows-1252' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: bytes.length === sample }) // a cut sample may end within a letter
    return undefined
  } catch {
    // Words of another alphabet are high bytes in a row; in languages of the west they stand alone between Latin letters.
    const high = bytes.reduce((n, b) => n + (b >= 0xc0 ? 1 : 0), 0)
    const inRows = bytes.reduce((n, b, i) => n + (b >= 0xc0 && (bytes[i - 1]! >= 0xc0 || bytes[i + 1]! >= 0xc0) ? 1 : 0), 0)
    return inRows * 2 > high ? 'windows-1251' : 'windows-1252'
  }
}
