import type { Schemas } from '../../api/client'

/** What a customer is called: by name, else by what is known. */
export function nameOf(c: Pick<Schemas['Customer'], 'id' | 'name' | 'external_id' | 'addresses'>): string {
  return c.name || c.addresses[0]?.address || c.external_id || c.id
}
