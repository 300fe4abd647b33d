import { TagsInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import classes from './Composer.module.css'

type Props = { cc: string[]; bcc: string[]; known?: string[]; change: (c: { cc?: string[]; bcc?: string[] }) => void }

/** Who gets a copy of a mail; known are those who take part already. */
export function Copies({ cc, bcc, known = [], change }: Props) {
  const { t } = useTranslation('inbox')
  const common = { size: 'xs' as const, splitChars: [',', ';', ' '], maxTags: 20, acceptValueOnBlur: true, comboboxProps: { withinPortal: true } }
  return (
    <div className={classes.copies}>
      <TagsInput {...common} label={t('mail.cc')} value={cc} onChange={(cc) => change({ cc })} data={known.filter((a) => !bcc.includes(a))} />
      <TagsInput {...common} label={t('mail.bcc')} value={bcc} onChange={(bcc) => change({ bcc })} data={known.filter((a) => !cc.includes(a))} />
    </div>
  )
}
