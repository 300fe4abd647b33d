import { defineConfig } from 'vitest/config'

// Stories, or with SHOTS=1 pictures of every page. One file after the other: each starts a server and a browser, and the machine may be small.
export default defineConfig({
  test: { environment: 'node', include: [process.env.SHOTS ? 'e2e/*.shot.ts' : 'e2e/*.test.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000, retry: 0 },
})
