import { Link, useParams } from '@tanstack/react-router'
import { Suspense } from 'react'
import { useCan } from '../../api/session'
import { Lost } from '../../shell/Lost'
import { Loading } from '../../ui/Loading'
import { useTitle } from '../../ui/Page'
import { groups, sections } from './sections'
import { useWords } from './kit/words'
import classes from './Settings.module.css'

/** All settings: what there is on the left, one section on the right. A phone shows one of the two. */
export function Settings() {
  const { t } = useWords()
  const { section: chosen } = useParams({ strict: false }) as { section?: string }
  const can = useCan()
  const mine = sections.filter((s) => !s.scope || can(s.scope))
  const section = chosen ? mine.find((s) => s.key === chosen) : mine[0]
  useTitle(t('title'))
  return (
    <div className={classes.settings} data-menu={!chosen || undefined}>
      <nav className={classes.menu} aria-label={t('title')}>
        <p className={classes.name}>{t('title')}</p>
        {groups.map((g) => {
          const here = mine.filter((s) => s.group === g)
          return (
            here.length > 0 && (
              <div key={g} role="group" aria-labelledby={`settings-${g}`}>
                <h2 className={classes.group} id={`settings-${g}`}>
                  {t(`groups.${g}`)}
                </h2>
                <ul className={classes.list}>
                  {here.map((s) => (
                    <li key={s.key}>
                      <Link to="/settings/$section" params={{ section: s.key }} className={classes.link} aria-current={chosen && s === section ? 'page' : undefined} data-first={(s === section && !chosen) || undefined}>
                        <s.icon size={18} stroke={1.7} aria-hidden />
                        <span>{t(`sections.${s.key}`)}</span>
                      </Link>
                    </li>
                  ))}
                </ul>
              </div>
            )
          )
        })}
      </nav>
      <div className={classes.section}>
        <Link to="/settings" className={classes.back}>
          ← {t('title')}
        </Link>
        <Suspense fallback={<div className={classes.wait}><Loading /></div>} key={section?.key}>
          {section ? <section.page /> : <Lost />}
        </Suspense>
      </div>
    </div>
  )
}
