import { Avatar } from '@mantine/core'
import classes from './Face.module.css'

/** A person's initials on a colour that stays theirs. */
export function Face({ name, size = 32 }: { name: string; size?: number }) {
  return <Avatar name={name || '?'} color="initials" size={size} radius="xl" aria-hidden classNames={{ placeholder: classes.initials }} />
}
