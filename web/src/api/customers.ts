import { client, type Schemas } from './client'
import { need } from './pages'
import type { paths } from './schema'

type Asked = NonNullable<paths['/v1/customers']['get']['parameters']['query']>

/** A page of the customers that a filter leaves. */
export const listCustomers = (query: Asked, signal?: AbortSignal) => need(client.GET('/v1/customers', { params: { query }, signal })) as Promise<Schemas['ListCustomer']>

/** All of them, as a CSV that an import takes. */
export const tableOfCustomers = (query: Asked) => need(client.GET('/v1/customers', { params: { query }, headers: { Accept: 'text/csv' }, parseAs: 'blob' })) as Promise<unknown> as Promise<Blob>
