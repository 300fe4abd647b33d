import { defineConfig } from 'vitest/config'

const kind = process.env.E2E ?? 'test'

// Stories, or with E2E=shot pictures of every page, with E2E=speed what they cost. Stories run two files at a time: each has a server and a
// browser of its own, and mostly waits.
export default defineConfig({
  test: { environment: 'node', include: [`e2e/*.${kind}.ts`], maxWorkers: kind === 'test' ? 2 : 1, testTimeout: 120_000, hookTimeout: 120_000, retry: 0, expect: { poll: { timeout: 30_000 } } },
})
