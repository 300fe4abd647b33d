export { Campaigns } from './Campaigns'
export { Builder } from './Builder'
export { Campaign } from './Campaign'
