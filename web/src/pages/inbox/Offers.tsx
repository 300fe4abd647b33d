import { useEffect, useRef } from 'react'
import classes from './Composer.module.css'

export type Offer = { id: string; label: string; hint?: string }

/** What can be put in where the caret stands; the arrows and Enter are the text box's. */
export function Offers({ id, offers, active, pick, label, empty }: { id: string; offers: Offer[]; active: number; pick: (o: Offer) => void; label: string; empty: string }) {
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    <ul ref={list} id={id} className={classes.offers} role="listbox" aria-label={label}>
      {offers.length === 0 && <li className={classes.noOffer}>{empty}</li>}
      {offers.map((o, i) => (
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are the text box's, which names the active one
        <li key={o.id} id={`${id}-${i}`} role="option" aria-selected={i === active} className={classes.offer} onMouseDown={(e) => e.preventDefault()} onClick={() => pick(o)}>
          <b>{o.label}</b>
          {o.hint && <span>{o.hint}</span>}
        </li>
      ))}
    </ul>
  )
}
