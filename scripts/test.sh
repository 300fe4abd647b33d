#!/usr/bin/env bash
# Everything that must hold, on real PostgreSQL, Redis, Postfix, Dovecot and in a real Chromium: make test. Needs Node 20.19 or newer.
#
#   FUZZTIME=1m scripts/test.sh   time for each fuzz target (default: 5s, less when they are many: 2 minutes for all);
#                                 0s leaves fuzzing out, the seeds run all the same
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${RAPPORT_TEST_SERVICES:-}" ] || exec scripts/services.sh run -- scripts/test.sh "$@"

# As make build compiles: what it compiled serves vet and the tests without the race detector too. Another cgo or
# trimpath compiles everything again, SQLite too.
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -trimpath"

step() { printf '\n== %s (%d s)\n' "$*" $SECONDS; }

step build
make --no-print-directory build
# Named like the services' addresses, because the binary takes any other RAPPORT_ variable for a setting.
export RAPPORT_TEST_BIN=$PWD/bin/rapport

step vet, and beside it the web app: types, lint
npm --prefix web run --silent check & # on one core; neither looks at the clock
checking=$!
go vet ./...
wait $checking

step the web app: words
npm --prefix web test --silent

# internal/crash and internal/e2e drive the binary built above, which has no race detector: what they
# measure would be the detector.
driven='/internal/(crash|e2e)$'
packages=$(go list ./...)

# The detector watches our code, not SQLite's, which is C made into Go and 18 times slower under it, nor the making of
# password hashes: both are without state that goroutines share but through locks of packages that are watched.
unwatched=(-gcflags='modernc.org/...=-race=false' -gcflags='golang.org/x/crypto/...=-race=false')

# PostgreSQL waits for the disk only where the machine's loss of power would be told from a commit, which nothing in this
# step does: internal/crash, internal/e2e and the browser have fsync on, as in production.
waits_for_disk() { psql --quiet --no-psqlrc --tuples-only --output /dev/null --dbname "$RAPPORT_TEST_DATABASE_URL" --command "ALTER SYSTEM SET fsync = $1" --command 'SELECT pg_reload_conf()'; }
trap 'waits_for_disk on' EXIT # also when a test fails: the services may go on running

step unit and store tests, with the race detector
waits_for_disk off
CGO_ENABLED=1 go test -race -vet=off "${unwatched[@]}" -timeout 20m $(grep -Ev "$driven" <<<"$packages") # vetted above
waits_for_disk on
trap - EXIT

if binary_tests=$(grep -E "$driven" <<<"$packages"); then
  step crash and end-to-end tests
  go test -p 1 -count=1 -vet=off -timeout 20m $binary_tests # one after the other: both load the machine, and neither is cached
fi

step the web app in a browser
npm --prefix web run --silent e2e

step fuzzing
scripts/fuzz.sh

printf '\nAll tests passed in %d s.\n' $SECONDS
