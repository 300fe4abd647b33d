import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '../../api/session'
import { useChosenSeen } from '../../ui/chosen'
import { Page } from '../../ui/Page'
import classes from './Area.module.css'

const tabs = [
  { to: '/customers', word: 'all', exact: true },
  { to: '/customers/segments', word: 'segments' },
  { to: '/customers/merges', word: 'merges' },
  { to: '/customers/import', word: 'import', scope: 'write:customers' },
] as const

/** A page of the area with the ways to the others of it. */
export function Area({ title, about, actions, wide, children }: { title: string; about?: ReactNode; actions?: ReactNode; wide?: boolean; children: ReactNode }) {
  const { t } = useTranslation('customers')
  const can = useCan()
  const row = useChosenSeen<HTMLElement>(title)
  return (
    <Page title={title} about={about} actions={actions} wide={wide}>
      <nav ref={row} className={classes.tabs} aria-label={t('tabs.label')}>
        {tabs
          .filter((x) => !('scope' in x) || can(x.scope))
          .map((x) => (
            <Link key={x.to} to={x.to} className={classes.tab} activeOptions={{ exact: 'exact' in x, includeSearch: false }} activeProps={{ 'data-active': true, 'aria-current': 'page' } as object}>
              {t(`tabs.${x.word}`)}
            </Link>
          ))}
      </nav>
      {children}
    </Page>
  )
}
