#!/usr/bin/env bash
# Runs every fuzz target.
#
#   FUZZTIME=5s scripts/fuzz.sh                     each for that long; what make test does (default: 5s, less when they
#                                                   are many: two minutes for all; 0s runs none)
#   FUZZTIME=10m EXECS=10000000 scripts/fuzz.sh     each until so many executions or for so long, whichever comes first;
#                                                   what make fuzz does. Each input has 100 ms and 64 MB (internal/fuzzing).
#   TARGETS='email Rows' ...                        only those whose "package target" holds one of the words
#
# An input that fails is kept in the package's testdata/fuzz: commit it with the mend, and make test tries it for ever.
# With EXECS up to 16 of the inputs that reached new code are kept there too; the others stay in Go's build cache.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=$(grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's#^\./?(.*)/[^/]*:[0-9]+:func (.*)#./\1 \2#; s#^\./?[^/]*:[0-9]+:func (.*)#. \1#' | sort)
[ -z "${TARGETS:-}" ] || targets=$(grep -E "$(tr ' ' '|' <<<"$TARGETS")" <<<"$targets" || true)
[ -n "$targets" ] || { echo "There are no fuzz targets."; exit 0; }
count=$(wc -l <<<"$targets")
fuzztime=${FUZZTIME:-$((count <= 24 ? 5000 : 120000 / count))ms}
[[ $fuzztime =~ ^0+[a-z]*$ ]] && { echo "FUZZTIME=$fuzztime: $count fuzz targets left out."; exit 0; }
execs=${EXECS:-0}
slice=$fuzztime
if [ "$execs" != 0 ]; then
  export RAPPORT_TEST_FUZZ=long
  case $fuzztime in
  *m) limit=$((${fuzztime%m} * 60)) ;;
  *s) limit=${fuzztime%s} ;;
  *) echo "With EXECS, FUZZTIME is a number of minutes or seconds: 10m, 90s." >&2; exit 2 ;;
  esac
  [ "$limit" -le 60 ] || slice=60s # go test knows a time or a count, not both: so it runs in slices
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
once() { go test -vet=off -run '^$' -fuzz "^$2\$" -fuzztime "$slice" -timeout 20m "$1" >"$log" 2>&1; }

fuzz() { # fuzz PACKAGE TARGET: one slice
  once "$@" && return
  # The engine sometimes takes its own deadline for a failure (golang/go#75804): only then is a second run fair.
  if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" && once "$@"; then return; fi
  cat "$log"
  echo "$1 $2 failed."
  exit 1
}

keep() { # keep PACKAGE TARGET: some of the small inputs that the engine found interesting
  local found kept=$1/testdata/fuzz/$2 have
  found=$(go env GOCACHE)/fuzz/$(go list "$1")/$2
  [ -d "$found" ] || return 0
  mkdir -p "$kept"
  have=$(find "$kept" -type f | wc -l)
  find "$found" -type f -size -2k -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2 | while read -r input; do
    [ "$have" -lt 16 ] || break
    [ -e "$kept/$(basename "$input")" ] || { cp "$input" "$kept/"; have=$((have + 1)); }
  done
}

total=0
while read -r package target; do
  begin=$SECONDS done=0
  while :; do
    fuzz "$package" "$target"
    n=$(grep -oE 'execs: [0-9]+' "$log" | tail -n 1 | cut -d ' ' -f 2 || true) # none when the time went by with the kept inputs
    done=$((done + ${n:-0}))
    if [ "$execs" = 0 ] || [ $done -ge "$execs" ] || [ $((SECONDS - begin)) -ge "$limit" ]; then break; fi
  done
  total=$((total + done))
  [ "$execs" = 0 ] || keep "$package" "$target"
  printf '%-60s %12d executions\n' "$package $target" "$done"
done <<<"$targets"
echo "$count fuzz targets, $fuzztime each at most, $total executions: nothing found."
