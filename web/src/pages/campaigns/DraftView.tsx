import { Alert } from '@mantine/core'
import { IconEye } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page'
import classes from './Builder.module.css'
import type { Campaign } from './campaign'
import { DryRun } from './DryRun'
import { useFacts } from './facts'
import facts from './Launch.module.css'
import { Status } from './Status'

/** A draft for who may look and not write: what it says, and beside it what it would do. */
export function DraftView({ campaign: c }: { campaign: Campaign }) {
  const { t } = useTranslation('campaigns')
  const people = c.everyone || !!c.segment || (c.counts?.audience ?? 0) > 0
  return (
    <Page wide title={c.name || t('untitled')} crumbs={[{ label: t('title'), to: '/campaigns' }]} actions={<Status of="draft" />}>
      <div className={classes.columns}>
        <div>
          <Alert variant="light" color="gray" icon={<IconEye size={18} />} mb="md">{t('build.look')}</Alert>
          <dl className={facts.facts}>
            {useFacts(c).map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </div>
        <aside className={classes.aside} aria-label={t('dry.title')}>
          <DryRun id={c.id} ready={people} version={0} unsaved={null} />
        </aside>
      </div>
    </Page>
  )
}
