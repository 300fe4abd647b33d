import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page'

export function Simulator() {
  const { t } = useTranslation()
  return <Page title={t('nav.simulator')}>{null}</Page>
}
