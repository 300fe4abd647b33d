import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page'

export function Merges() {
  const { t } = useTranslation()
  return <Page title={t('nav.customers')}>{null}</Page>
}
