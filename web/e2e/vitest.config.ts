import { defineConfig } from 'vitest/config'

// Stories, or with E2E=shot pictures of every page, with E2E=speed what they cost. One file after the other: each starts a server and a browser, and the machine may be small.
export default defineConfig({
  test: { environment: 'node', include: [`e2e/*.${process.env.E2E ?? 'test'}.ts`], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000, retry: 0 },
})
