#!/usr/bin/env bash
# Builds the web app into web/dist, where the program embeds it: make build calls it when something changed.
set -euo pipefail
cd "$(dirname "$0")/../web"

if ! command -v npm >/dev/null || ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  echo 'The web app is left out: it needs Node 20.19 or newer. The API and everything else work.' >&2
  exit 0
fi
# npm notes in node_modules what it has installed; only a newer lock file is worth asking it again.
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error
npm run --silent build >/dev/null
touch dist/index.html
