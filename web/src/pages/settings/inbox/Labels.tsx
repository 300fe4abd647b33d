import { Page } from '../../../ui/Page'
import { AllLabels } from '../../inbox/Labels'
import { useWords } from '../kit/words'

/** Labels that conversations carry. */
export default function Labels() {
  const { t } = useWords()
  return (
    <Page title={t('sections.labels')} about={t('labels.about')}>
      <AllLabels />
    </Page>
  )
}
