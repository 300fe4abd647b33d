import { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect, type RouteComponent } from '@tanstack/react-router'
import { allows, sessionQuery } from './api/session'
import { isProblem } from './api/problem'
import { Lost } from './shell/Lost'
import { Broken } from './shell/Broken'
import { Shell } from './shell/Shell'

type Module = Record<string, RouteComponent>

const root = createRootRouteWithContext<{ queries: QueryClient }>()({ component: Outlet, notFoundComponent: Lost, errorComponent: Broken })

/** Search parameters are the page's own; each page reads them with its own checks. */
const loose = (search: Record<string, unknown>): Record<string, unknown> => search

/** Pages for who is not signed in. */
const door = <P extends string>(path: P, load: () => Promise<unknown>, name: string) => createRoute({ getParentRoute: () => root, path, validateSearch: loose, component: lazyRouteComponent(load as () => Promise<Module>, name) })

const invitation = () => import('./pages/auth/Invitation')

const doors = [door('/sign-in', () => import('./pages/auth/SignIn'), 'SignIn'), door('/setup', () => import('./pages/auth/Setup'), 'Setup'), door('/invitation', invitation, 'Invitation'), door('/reset', invitation, 'Invitation')] as const

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery)
    if (!session) throw redirect({ to: '/sign-in', search: location.pathname === '/' ? {} : { to: location.href } })
    return { session }
  },
})

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: async ({ context }) => {
    const session = await context.queries.ensureQueryData(sessionQuery)
    throw redirect({ to: session?.settings.demo && allows(session.scopes, 'read:sandbox') ? '/simulator' : '/inbox' })
  },
})

const page = <P extends string>(path: P, load: () => Promise<unknown>, name: string) =>
  createRoute({ getParentRoute: () => inside, path, validateSearch: loose, component: lazyRouteComponent(load as () => Promise<Module>, name) })

const builder = () => import('./pages/campaigns/Builder')
const settings = () => import('./pages/settings/Settings')

// One component for both, so that the list keeps its place when a thread is opened.
const desk = page('/inbox', () => import('./pages/inbox/Inbox'), 'Inbox')
const openThread = createRoute({ getParentRoute: () => desk, path: '$thread' })

const pages = [
  home,
  desk.addChildren([openThread]),
  page('/campaigns', () => import('./pages/campaigns/Campaigns'), 'Campaigns'),
  page('/campaigns/new', builder, 'Builder'),
  page('/campaigns/$id', () => import('./pages/campaigns/Campaign'), 'Campaign'),
  page('/campaigns/$id/edit', builder, 'Builder'),
  page('/templates', () => import('./pages/templates/Templates'), 'Templates'),
  page('/templates/$key', () => import('./pages/templates/Editor'), 'Editor'),
  page('/customers', () => import('./pages/customers/Customers'), 'Customers'),
  page('/customers/import', () => import('./pages/customers/Import'), 'Import'),
  page('/customers/segments', () => import('./pages/customers/Segments'), 'Segments'),
  page('/customers/merges', () => import('./pages/customers/Merges'), 'Merges'),
  page('/customers/$id', () => import('./pages/customers/Customer'), 'Customer'),
  page('/simulator', () => import('./pages/simulator/Simulator'), 'Simulator'),
  page('/settings', settings, 'Settings'),
  page('/settings/$section', settings, 'Settings'),
  page('/settings/$section/$item', settings, 'Settings'),
] as const

const tree = root.addChildren([...doors, inside.addChildren(pages)])

export const queries = new QueryClient({
  defaultOptions: {
    // The event stream says when something changed; until then what is here is good.
    // Asked even where the browser believes that there is no network: it fails, and says so, where a paused question would look like one that takes long.
    queries: { networkMode: 'always', staleTime: 30_000, refetchOnWindowFocus: false, refetchOnReconnect: true, retryDelay: 500, retry: (n, e) => n < 1 && !(isProblem(e) && e.status >= 400 && e.status < 500) },
    mutations: { networkMode: 'always', retry: false },
  },
})

export const router = createRouter({ routeTree: tree, context: { queries }, defaultPreload: 'intent', scrollRestoration: true, defaultPendingMs: 300, defaultErrorComponent: Broken })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
