import { defineConfig } from 'vitest/config'

// Stories, or with E2E=shot pictures of every page, with E2E=speed what they cost. Two files at a time: each has a server and a browser of its own, and mostly waits.
export default defineConfig({
  test: { environment: 'node', include: [`e2e/*.${process.env.E2E ?? 'test'}.ts`], maxWorkers: 2, testTimeout: 120_000, hookTimeout: 120_000, retry: 0, expect: { poll: { timeout: 30_000 } } },
})
