import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page'

export function Templates() {
  const { t } = useTranslation()
  return <Page title={t('nav.templates')}>{null}</Page>
}
