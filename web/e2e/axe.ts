import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Finding = { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }

/** What axe finds serious or worse on the page by WCAG 2.2 A and AA, as sentences; or by a few rules only, or within one place only, which is faster. */
export async function axe(page: Page, rules?: string[], within?: string): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source)
  const found = await page.evaluate(async ({ rules, within }) => {
    const { violations } = await (window as unknown as { axe: { run: (c: Document | object, o: unknown) => Promise<{ violations: Finding[] }> } }).axe.run(within ? { include: [within] } : document, {
      resultTypes: ['violations'],
      runOnly: rules ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    })
    return violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.map((n) => ({ html: n.html.slice(0, 200), failureSummary: n.failureSummary })) }))
  }, { rules, within })
  return found
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => ({ ...v, nodes: v.nodes.filter((n) => !(v.id === 'aria-required-children' && n.html.includes('data-menu-dropdown'))) })) // Mantine's menus hold an empty element that takes the first focus
    .flatMap((v) => v.nodes.map((n) => `${v.id} (${v.impact}): ${n.html}\n  ${n.failureSummary}`))
}
