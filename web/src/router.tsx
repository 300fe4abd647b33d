import { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect, type RouteComponent } from '@tanstack/react-router'
import { allows, sessionQuery } from './api/session'
import { isProblem } from './api/problem'
import { Lost } from './shell/Lost'
import { Broken } from './shell/Broken'
import { Shell } from './shell/Shell'

type Module = Record<string, RouteComponent>

const root = createRootRouteWithContext<{ queries: QueryClient }>()({ component: Outlet, notFoundComponent: Lost, errorComponent: Broken })

const auth = () => import('./pages/auth')

/** Search parameters are the page's own; each page reads them with its own checks. */
const loose = (search: Record<string, unknown>): Record<string, unknown> => search

/** Pages for who is not signed in. */
const door = <P extends string>(path: P, name: string) => createRoute({ getParentRoute: () => root, path, validateSearch: loose, component: lazyRouteComponent(auth as () => Promise<Module>, name) })

const doors = [door('/sign-in', 'SignIn'), door('/setup', 'Setup'), door('/invitation', 'Invitation'), door('/reset', 'Invitation')] as const

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

const inbox = () => import('./pages/inbox')
const campaigns = () => import('./pages/campaigns')
const templates = () => import('./pages/templates')
const customers = () => import('./pages/customers')
const simulator = () => import('./pages/simulator')
const settings = () => import('./pages/settings')

// One component for both, so that the list keeps its place when a thread is opened.
const desk = page('/inbox', inbox, 'Inbox')
const openThread = createRoute({ getParentRoute: () => desk, path: '$thread' })

const pages = [
  home,
  desk.addChildren([openThread]),
  page('/campaigns', campaigns, 'Campaigns'),
  page('/campaigns/new', campaigns, 'Builder'),
  page('/campaigns/$id', campaigns, 'Campaign'),
  page('/campaigns/$id/edit', campaigns, 'Builder'),
  page('/templates', templates, 'Templates'),
  page('/templates/$key', templates, 'Editor'),
  page('/customers', customers, 'Customers'),
  page('/customers/import', customers, 'Import'),
  page('/customers/segments', customers, 'Segments'),
  page('/customers/merges', customers, 'Merges'),
  page('/customers/$id', customers, 'Customer'),
  page('/simulator', simulator, 'Simulator'),
  page('/settings', settings, 'Settings'),
  page('/settings/$section', settings, 'Settings'),
  page('/settings/$section/$item', settings, 'Settings'),
] as const

const tree = root.addChildren([...doors, inside.addChildren(pages)])

export const queries = new QueryClient({
  defaultOptions: {
    // The event stream says when something changed; until then what is here is good.
    queries: { staleTime: 30_000, refetchOnWindowFocus: false, retry: (n, e) => n < 2 && !(isProblem(e) && e.status >= 400 && e.status < 500) },
    mutations: { retry: false },
  },
})

export const router = createRouter({ routeTree: tree, context: { queries }, defaultPreload: 'intent', scrollRestoration: true, defaultPendingMs: 300 })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
