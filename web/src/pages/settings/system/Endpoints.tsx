import { useParams } from '@tanstack/react-router'
import { Endpoint } from './Endpoint'
import { EndpointList } from './EndpointList'

/** Servers of others that are told what happens: all, or one with its deliveries. */
export default function Endpoints() {
  const { item } = useParams({ strict: false }) as { item?: string }
  return item ? <Endpoint id={item} key={item} /> : <EndpointList />
}
