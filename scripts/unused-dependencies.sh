#!/usr/bin/env bash
# Fails when a crate names a direct dependency that its code never does, or the workspace one that no crate takes.
set -euo pipefail
status=0

direct() { # manifest: the names under its dependency tables
  awk '/^\[/ { on = /dependencies\]$/ } on && match($0, /^[a-z0-9_-]+/) { print substr($0, 1, RLENGTH) }' "$1"
}

for manifest in */Cargo.toml tests/{bench,fuzz}/Cargo.toml; do
  for name in $(direct "$manifest"); do
    grep -rqE "\b${name//-/_}(::|\b *;)" --include='*.rs' "$(dirname "$manifest")" && continue
    echo "$manifest: nothing uses $name" >&2
    status=1
  done
done
for name in $(direct Cargo.toml); do
  grep -qE "^$name(\.| =)" ./*/Cargo.toml tests/{bench,fuzz}/Cargo.toml && continue
  echo "Cargo.toml: no crate takes $name" >&2
  status=1
done
exit $status
