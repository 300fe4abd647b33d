import 'i18next'
import type auth from './en/auth.json'
import type campaigns from './en/campaigns.json'
import type common from './en/common.json'
import type customers from './en/customers.json'
import type drivers from './en/drivers.json'
import type inbox from './en/inbox.json'
import type settings from './en/settings.json'
import type simulator from './en/simulator.json'
import type templates from './en/templates.json'

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: {
      auth: typeof auth
      campaigns: typeof campaigns
      common: typeof common
      customers: typeof customers
      drivers: typeof drivers
      inbox: typeof inbox
      settings: typeof settings
      simulator: typeof simulator
      templates: typeof templates
    }
  }
}
