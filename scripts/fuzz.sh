#!/usr/bin/env bash
# Runs every fuzz target for a moment: make fuzz. FUZZTIME is the time for each (default: 5s, less when they are many,
# so that all take about two minutes; 0s runs none).
set -euo pipefail
cd "$(dirname "$0")/.."

targets=$(grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed -E 's#^\./?(.*)/[^/]*:[0-9]+:func (.*)#./\1 \2#; s#^\./?[^/]*:[0-9]+:func (.*)#. \1#' | sort)
[ -n "$targets" ] || { echo "There are no fuzz targets."; exit 0; }
count=$(wc -l <<<"$targets")
fuzztime=${FUZZTIME:-$((count <= 24 ? 5000 : 120000 / count))ms}
[[ $fuzztime =~ ^0+[a-z]*$ ]] && { echo "FUZZTIME=$fuzztime: $count fuzz targets left out."; exit 0; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
fuzz() { go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzztime" -timeout 10m "$1" >"$log" 2>&1; }

while read -r package target; do
  if ! fuzz "$package" "$target"; then
    # The engine sometimes takes its own deadline for a failure (golang/go#75804): only then is a second run fair.
    if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" && fuzz "$package" "$target"; then :; else
      cat "$log"
      echo "$package $target failed."
      exit 1
    fi
  fi
  printf '%-60s %s\n' "$package $target" "$(grep -oE 'execs: [0-9]+' "$log" | tail -n 1)"
done <<<"$targets"
echo "$count fuzz targets, $fuzztime each: nothing found."
