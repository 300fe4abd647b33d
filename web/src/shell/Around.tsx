import { MantineThemeProvider } from '@mantine/core'
import { ModalsProvider } from '@mantine/modals'
import { Notifications } from '@mantine/notifications'
import { useMemo, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

/** What stands over every page: dialogs and notes. Inside the router, since both may hold links, and each way to close has a name. */
export function Around({ children }: { children: ReactNode }) {
  const { t } = useTranslation()
  const named = useMemo(() => ({ components: { CloseButton: { defaultProps: { 'aria-label': t('close') } } } }), [t])
  return (
    <MantineThemeProvider theme={named}>
      <ModalsProvider>
        <Notifications position="bottom-center" limit={3} />
        {children}
      </ModalsProvider>
    </MantineThemeProvider>
  )
}
