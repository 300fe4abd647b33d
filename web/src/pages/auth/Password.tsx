import { PasswordInput, type PasswordInputProps } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** A password, with an eye that has a name. */
export function Password(props: PasswordInputProps) {
  const { t } = useTranslation('auth')
  return <PasswordInput required withAsterisk={false} {...props} visibilityToggleButtonProps={{ 'aria-label': t('reveal'), tabIndex: 0 }} />
}
