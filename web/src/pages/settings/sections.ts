import { IconAt, IconBan, IconBell, IconClockHour4, IconHeartbeat, IconHistory, IconHourglass, IconKey, IconMailQuestion, IconMessageBolt, IconPlugConnected, IconTags, IconUserCircle, IconUsers, IconUserShare, IconWebhook, type Icon } from '@tabler/icons-react'
import { lazy, type ComponentType, type LazyExoticComponent } from 'react'

export const groups = ['you', 'team', 'channels', 'work', 'system'] as const

type Section = { key: string; group: (typeof groups)[number]; icon: Icon; scope: string; page: LazyExoticComponent<ComponentType> }

/** Every section, in the order of the menu. `scope`: what one must be allowed to see it; empty: everybody. */
export const sections = [
  { key: 'profile', group: 'you', icon: IconUserCircle, scope: '', page: lazy(() => import('./you/Profile')) },
  { key: 'agents', group: 'team', icon: IconUsers, scope: 'read:agents', page: lazy(() => import('./team/Agents')) },
  { key: 'audit', group: 'team', icon: IconHistory, scope: 'read:audit', page: lazy(() => import('./team/Audit')) },
  { key: 'providers', group: 'channels', icon: IconPlugConnected, scope: 'read:providers', page: lazy(() => import('./channels/Providers')) },
  { key: 'domains', group: 'channels', icon: IconAt, scope: 'read:providers', page: lazy(() => import('./channels/Domains')) },
  { key: 'topics', group: 'work', icon: IconBell, scope: 'read:topics', page: lazy(() => import('./inbox/Topics')) },
  { key: 'canned', group: 'work', icon: IconMessageBolt, scope: 'read:threads', page: lazy(() => import('./inbox/Canned')) },
  { key: 'hours', group: 'work', icon: IconClockHour4, scope: 'read:agents', page: lazy(() => import('./inbox/Hours')) },
  { key: 'labels', group: 'work', icon: IconTags, scope: 'read:threads', page: lazy(() => import('./inbox/Labels')) },
  { key: 'assignment', group: 'work', icon: IconUserShare, scope: 'read:agents', page: lazy(() => import('./inbox/Assignment')) },
  { key: 'suppressions', group: 'work', icon: IconBan, scope: 'read:suppressions', page: lazy(() => import('./system/Suppressions')) },
  { key: 'strays', group: 'work', icon: IconMailQuestion, scope: 'read:threads', page: lazy(() => import('./system/Strays')) },
  { key: 'keys', group: 'system', icon: IconKey, scope: 'read:keys', page: lazy(() => import('./system/Keys')) },
  { key: 'endpoints', group: 'system', icon: IconWebhook, scope: 'read:endpoints', page: lazy(() => import('./system/Endpoints')) },
  { key: 'health', group: 'system', icon: IconHeartbeat, scope: 'read:system', page: lazy(() => import('./system/Health')) },
  { key: 'quarantine', group: 'system', icon: IconHourglass, scope: 'read:campaigns', page: lazy(() => import('./system/Quarantine')) },
] as const satisfies Section[]
