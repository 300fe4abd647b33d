import { useParams } from '@tanstack/react-router'
import { List } from './ProviderList'
import { NewProvider, Provider } from './Provider'

/** Channels and the providers that serve them: all, one, or a new one. */
export default function Providers() {
  const { item } = useParams({ strict: false }) as { item?: string }
  if (!item) return <List />
  return item === '+' ? <NewProvider /> : <Provider name={item} key={item} />
}
