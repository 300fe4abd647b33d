import { IconAddressBook, IconDeviceMobileMessage, IconInbox, IconSend, IconSettings, IconTemplate, type Icon } from '@tabler/icons-react'

/** Where one can go, in the order of the navigation. `simulator`: only where the sandbox stands for a provider. */
export const places = [
  { to: '/inbox', word: 'inbox', icon: IconInbox, scope: 'read:threads', key: 'i' },
  { to: '/campaigns', word: 'campaigns', icon: IconSend, scope: 'read:campaigns', key: 'c' },
  { to: '/templates', word: 'templates', icon: IconTemplate, scope: 'read:templates', key: 't' },
  { to: '/customers', word: 'customers', icon: IconAddressBook, scope: 'read:customers', key: 'u' },
  { to: '/simulator', word: 'simulator', icon: IconDeviceMobileMessage, scope: 'read:sandbox', key: 'm', simulator: true },
  { to: '/settings', word: 'settings', icon: IconSettings, scope: '', key: 's' },
] as const satisfies { to: string; word: string; icon: Icon; scope: string; key: string; simulator?: boolean }[]
