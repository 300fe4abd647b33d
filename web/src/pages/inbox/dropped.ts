import { useEffect, useRef, useState } from 'react'

const carries = (e: DragEvent) => [...(e.dataTransfer?.types ?? [])].includes('Files')

/**
 * Takes files that are dropped anywhere on the page: beside the box the browser would leave the page to show them. Returns
 * whether some are held over it.
 */
export function useDropped(take: (files: FileList) => void): boolean {
  const [over, setOver] = useState(false)
  const now = useRef(take)
  useEffect(() => {
    now.current = take
  })
  useEffect(() => {
    const busy = () => document.querySelector('[role="dialog"]') !== null
    const move = (e: DragEvent) => {
      if (!carries(e)) return
      e.preventDefault()
      setOver(!busy())
    }
    const leave = (e: DragEvent) => e.relatedTarget === null && setOver(false)
    const drop = (e: DragEvent) => {
      if (!carries(e)) return
      e.preventDefault()
      setOver(false)
      if (e.dataTransfer && !busy()) now.current(e.dataTransfer.files)
    }
    window.addEventListener('dragover', move)
    window.addEventListener('dragleave', leave)
    window.addEventListener('drop', drop)
    return () => {
      window.removeEventListener('dragover', move)
      window.removeEventListener('dragleave', leave)
      window.removeEventListener('drop', drop)
    }
  }, [])
  return over
}
