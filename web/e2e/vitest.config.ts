import { defineConfig } from 'vitest/config'

// One file after the other: each starts a server and a browser, and the machine may be small.
export default defineConfig({
  test: { environment: 'node', include: ['e2e/**/*.test.ts', 'e2e/**/*.shot.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000, retry: 0 },
})
