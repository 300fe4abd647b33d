import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { budget } from './budget.ts'

// The server that `npm run dev` talks to: RAPPORT_URL, like the commands.
const server = process.env.RAPPORT_URL ?? 'http://127.0.0.1:8080'
// Whole words: /in is the server's, /inbox the app's.
const behind = '^/(v1|openapi\\.json|docs|u|p|c|in|o)(/|\\?|$)'

export default defineConfig({
  plugins: [react(), budget()],
  // The server puts a fresh nonce in the place of this word, for the few style elements that Mantine writes.
  html: { cspNonce: 'RAPPORT_NONCE' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // data: URLs would need a laxer policy
    modulePreload: { polyfill: false }, // inline code
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { [behind]: { target: server, changeOrigin: false } } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0])
