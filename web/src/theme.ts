import { createTheme, Tooltip, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

// The blue of the public pages; shade 6 carries white text at 5.9:1.
const rapport: MantineColorsTuple = ['#eef2ff', '#dde4fd', '#b9c6f8', '#93a7f3', '#738cee', '#5a77e6', '#3457d5', '#2c4bbd', '#2541a6', '#1a3087']

export const theme = createTheme({
  primaryColor: 'rapport',
  primaryShade: 6,
  autoContrast: true,
  colors: {
    rapport,
    // A cooler, deeper dark than Mantine's own.
    dark: ['#e6e9f0', '#c3c8d4', '#98a0b3', '#6f788d', '#424a5c', '#343b4b', '#262c39', '#1b202b', '#14171f', '#0e1117'],
  },
  defaultRadius: 'md',
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.375rem', lineHeight: '1.3' }, h2: { fontSize: '1.0625rem', lineHeight: '1.35' }, h3: { fontSize: '0.9375rem', lineHeight: '1.4' } } },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: { defaultProps: { centered: true } }, // not extended: that would bring dialogs into the first chunk
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, withArrow: true, events: { hover: true, focus: true, touch: false } } }),
  },
})

/** Mantine's own surfaces and soft text are ours (app.css); its soft grey is too faint on white for WCAG, and so is white on its red. */
export const variables: CSSVariablesResolver = () => {
  const ours = { '--mantine-color-dimmed': 'var(--r-soft)', '--mantine-color-placeholder': 'var(--r-soft)', '--mantine-color-body': 'var(--r-paper)', '--mantine-color-default-border': 'var(--r-line)', '--mantine-color-default': 'var(--r-raised)', '--mantine-color-default-hover': 'var(--r-hover)', '--mantine-color-red-filled': '#c92a2a', '--mantine-color-red-filled-hover': '#b32424' }
  return { variables: {}, light: ours, dark: ours }
}
