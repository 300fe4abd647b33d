import { Anchor, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { $api } from '../../api/client'

/** A customer by name, once it is known; until then, and for one without a name, the id or an address. */
export function Person({ id, or }: { id: string; or?: string }) {
  // Rows that only fly by are not asked for.
  const [rested, setRested] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setRested(true), 150)
    return () => clearTimeout(timer)
  }, [])
  const { data } = useQuery({ enabled: rested, ...$api.queryOptions('get', '/v1/customers/{id}', { params: { path: { id } } }), staleTime: 5 * 60_000, retry: false })
  // Of a dry run: a customer who is not there until the launch.
  if (or && !data) return <Text span size="sm">{or}</Text>
  return (
    <Anchor component={Link} to={`/customers/${id}`} c="inherit" underline="hover" size="sm">
      {data?.name || data?.addresses?.[0]?.address || id}
    </Anchor>
  )
}
