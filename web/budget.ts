import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Bytes of script, gzipped, that any page may need before it is seen. */
const limit = 300_000

/** Ends the build when a page has grown too heavy: the app's first script, the page's own, and all that either imports. */
export function budget(): Plugin {
  return {
    name: 'budget',
    generateBundle(_, bundle) {
      const sizes = new Map<string, number>()
      const needs = (name: string, all = new Set<string>()) => {
        const chunk = bundle[name]
        if (chunk?.type !== 'chunk' || all.has(name)) return all
        all.add(name)
        if (!sizes.has(name)) sizes.set(name, gzipSync(chunk.code, { level: 6 }).length)
        for (const other of chunk.imports) needs(other, all)
        return all
      }
      const chunks = Object.values(bundle).filter((c) => c.type === 'chunk')
      const first = chunks.find((c) => c.isEntry)!
      const pages = (first.dynamicImports as string[]).map((name) => bundle[name]).filter((c) => c?.type === 'chunk').filter((c) => c.facadeModuleId?.includes('/src/pages/'))
      if (pages.length < 15) this.error(`the budget sees ${pages.length} pages, and there are more`)
      for (const page of pages) {
        const total = [...needs(page.fileName, needs(first.fileName))].reduce((sum, name) => sum + sizes.get(name)!, 0)
        const name = /src\/pages\/(.*)\./.exec(page.facadeModuleId!)![1]
        if (total > limit) this.error(`${name} needs ${Math.ceil(total / 1000)} kB of script before it is seen; ${limit / 1000} is the limit`)
        this.info(`${name}: ${Math.ceil(total / 1000)} kB of script, gzipped, of ${limit / 1000}`)
      }
    },
  }
}
