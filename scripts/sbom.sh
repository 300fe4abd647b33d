#!/usr/bin/env bash
# Writes bin/sbom.json: what bin/rapport is made of (CycloneDX 1.6), read from the binary itself. Fails when a module
# of the binary is missing in it.
set -euo pipefail
cd "$(dirname "$0")/.."

go tool -modfile=tools/go.mod cyclonedx-gomod bin -json -std -version "${VERSION:-dev}" -output bin/sbom.json bin/rapport
modules=$(go version -m bin/rapport | awk '$1 == "dep" {last = $2 "@" $3; all[last]} $1 == "=>" {delete all[last]; all[$2 "@" $3]} END {for (m in all) print m}')
[ -n "$modules" ] || { echo "bin/rapport does not say which modules it is made of." >&2; exit 1; }
while read -r module; do
  grep -qF "pkg:golang/${module//+/%2B}?" bin/sbom.json || grep -qF "pkg:golang/$module?" bin/sbom.json ||
    { echo "bin/sbom.json lacks $module." >&2; exit 1; }
done <<<"$modules"
echo "bin/sbom.json: $(wc -l <<<"$modules") modules and the Go standard library."
