#!/usr/bin/env bash
# Makes cargo look anew at the workspace's own crates when another checkout was the last to build in this folder.
# Cargo tells them apart neither by their path nor by what is in them: it takes a source that is older than the build for
# the one that was built, and the programs would have the other checkout's paths in them.
# Two checkouts must not build in one folder at the same time.
# Wants CARGO_TARGET_DIR.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
last=${CARGO_TARGET_DIR:?must name the build folder}/last-checkout
if [ -d "$CARGO_TARGET_DIR" ] && [ "$(cat "$last" 2>/dev/null)" != "$root" ]; then
  find "$root" -name target -prune -o -name '*.rs' -exec touch {} +
fi
mkdir -p "$CARGO_TARGET_DIR"
printf '%s\n' "$root" >"$last"
