import { defineConfig } from 'vitest/config'

// Stories, or with SHOTS=1 pictures of every page. Two files at a time: each has a server and a browser of its own, and mostly waits.
export default defineConfig({
  test: { environment: 'node', include: [process.env.SHOTS ? 'e2e/*.shot.ts' : 'e2e/*.test.ts'], maxWorkers: 2, testTimeout: 120_000, hookTimeout: 120_000, retry: 0, expect: { poll: { timeout: 30_000 } } },
})
