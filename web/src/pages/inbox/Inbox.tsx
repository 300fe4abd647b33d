import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page'

export function Inbox() {
  const { t } = useTranslation()
  return <Page title={t('nav.inbox')}>{null}</Page>
}
