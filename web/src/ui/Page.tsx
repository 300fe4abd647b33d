import { Anchor, Breadcrumbs, Group, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useEffect, type ReactNode } from 'react'
import classes from './Page.module.css'

type Crumb = { label: string; to: string }

/** What every page but the inbox looks like: where one is, its name, what one can do, and the page itself. */
export function Page({ title, crumbs = [], actions, about, wide, children }: { title: string; crumbs?: Crumb[]; actions?: ReactNode; about?: ReactNode; wide?: boolean; children: ReactNode }) {
  useTitle(title)
  return (
    <div className={classes.page} data-wide={wide || undefined}>
      <header className={classes.head}>
        <div className={classes.name}>
          {crumbs.length > 0 && (
            <Breadcrumbs separator="/" mb={2}>
              {crumbs.map((c) => (
                <Anchor key={c.to} component={Link} to={c.to} size="sm" c="dimmed">
                  {c.label}
                </Anchor>
              ))}
            </Breadcrumbs>
          )}
          <Title order={1} tabIndex={-1}>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" size="sm" mt={4} maw={720}>
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </header>
      {children}
    </div>
  )
}

/** The title of the browser's tab. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · Rapport` : 'Rapport'
  }, [title])
}
