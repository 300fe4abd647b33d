import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page'

export function Campaigns() {
  const { t } = useTranslation()
  return <Page title={t('nav.campaigns')}>{null}</Page>
}
