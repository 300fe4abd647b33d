import { modals } from '@mantine/modals'
import type { ReactNode } from 'react'
import i18n from '../../i18n'
import { FocusBack } from '../../ui/focus-back'

/** Opens a dialog whose close button has a name; children get the way to close it. */
export function dialog({ title, size, children }: { title: string; size?: string; children: (close: () => void) => ReactNode }) {
  const id = crypto.getRandomValues(new Uint32Array(1))[0]!.toString(36)
  modals.open({ modalId: id, title, size, closeButtonProps: { 'aria-label': i18n.t('close') }, children: <><FocusBack />{children(() => modals.close(id))}</> })
}
