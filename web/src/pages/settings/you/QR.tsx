import { create } from 'qrcode'
import { useMemo } from 'react'

const quiet = 4 // modules of white around it, which readers need (ISO 18004)

/** A QR code, dark on white in either scheme: many cameras do not read the other way round. */
export default function QR({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const { size, data } = create(text, { errorCorrectionLevel: 'M' }).modules
    let path = ''
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (data[y * size + x]) path += `M${x + quiet} ${y + quiet}h1v1h-1z`
    return { size: size + 2 * quiet, path }
  }, [text])
  return (
    <svg width={196} height={196} viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" rx={2} />
      <path d={path} fill="#000" />
    </svg>
  )
}
