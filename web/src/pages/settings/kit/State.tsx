import { Badge, type BadgeProps } from '@mantine/core'
import classes from './kit.module.css'

/** How something stands, in a word. Mantine's light badges are too faint for small text; this one reads in both schemes. */
export function State(props: BadgeProps) {
  return <Badge variant="light" tt="none" fw={600} classNames={{ label: classes.state }} {...props} />
}
