#!/usr/bin/env bash
# The layout of compose.yaml without containers, on 127.0.0.1 from bin/rapport, for machines where no Docker engine runs:
# PostgreSQL, Redis with a password, migrate, one api, two workers, with the same settings. Nothing is kept afterwards.
#
#   scripts/compose-local.sh         until Ctrl-C; prints the address and an API key
#   scripts/compose-local.sh CMD...  run CMD beside it, with RAPPORT_URL and RAPPORT_API_KEY set, then stop
#
# RAPPORT_ variables pass through, so that RAPPORT_HTTP_ADDR=127.0.0.1:9000 moves the api.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${RAPPORT_TEST_SERVICES:-}" ] || SERVICES="postgres redis" exec scripts/services.sh run -- scripts/compose-local.sh "$@"
[ -x bin/rapport ] || make --no-print-directory build

export RAPPORT_HTTP_ADDR=${RAPPORT_HTTP_ADDR:-127.0.0.1:8080}
export RAPPORT_PUBLIC_URL=${RAPPORT_PUBLIC_URL:-http://$RAPPORT_HTTP_ADDR}
export RAPPORT_DATABASE_URL=$RAPPORT_TEST_DATABASE_URL
export RAPPORT_REDIS_URL=$RAPPORT_TEST_REDIS_URL
export RAPPORT_SECRET_KEY=${RAPPORT_SECRET_KEY:-$(openssl rand -base64 32)}
export RAPPORT_LOG_LEVEL=${RAPPORT_LOG_LEVEL:-info}
export RAPPORT_METRICS_ADDR= # three processes cannot share one port; in compose each has an address of its own
RAPPORT_DATA_DIR=$(mktemp -d "${TMPDIR:-/tmp}/rapport-local.XXXXXX")
export RAPPORT_DATA_DIR

pids=()
stop() {
  trap '' INT TERM HUP
  [ ${#pids[@]} = 0 ] || kill -TERM "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$RAPPORT_DATA_DIR"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

# setsid: Ctrl-C reaches each process once, through stop, and not a second time from the terminal.
launch() { setsid bin/rapport "$@" & pids+=($!); }

bin/rapport migrate
launch api
launch worker
launch worker
export RAPPORT_URL=http://$RAPPORT_HTTP_ADDR
for _ in {1..300}; do
  bin/rapport healthcheck >/dev/null 2>&1 && break
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { echo "compose-local: a process ended; see its log above" >&2; exit 1; }
  done
  sleep 0.1
done
bin/rapport healthcheck
RAPPORT_API_KEY=$(bin/rapport keys create --name compose-local --scopes '*')
export RAPPORT_API_KEY

if [ $# -gt 0 ]; then
  "$@" &
  pids+=($!)
  wait $!
  exit
fi
printf '\n%s\nexport RAPPORT_URL=%s RAPPORT_API_KEY=%s\nCtrl-C stops all of it.\n\n' "One api and two workers on PostgreSQL and Redis. In another terminal:" "$RAPPORT_URL" "$RAPPORT_API_KEY"
wait -n "${pids[@]}" || true
echo "compose-local: a process ended; see its log above" >&2
exit 1
