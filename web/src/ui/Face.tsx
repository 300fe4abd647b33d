import { Avatar } from '@mantine/core'

/** A person's initials on a colour that stays theirs. The letters are plain: not every pale colour carries its own. */
export function Face({ name, size = 32 }: { name: string; size?: number }) {
  return <Avatar name={name.replace(/[^\p{L}\p{N}\s]+/gu, '').trim() || '?'} color="initials" size={size} radius="xl" styles={{ placeholder: { color: 'var(--mantine-color-text)' } }} aria-hidden />
}
