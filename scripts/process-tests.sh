#!/usr/bin/env bash
# Runs the process tests: real binaries on loopback. Wants HERDGATE_BIN_DIR.
set -euo pipefail
: "${HERDGATE_BIN_DIR:?must name the folder of the built binaries}"
tests=()
for file in tests/tests/*.rs; do
  name=$(basename "$file" .rs)
  case $name in lab_*) ;; *) tests+=(--test "$name") ;; esac
done
# One process test at a time: each brings its own herd, and two cores carry one.
cargo test --locked -p herdgate-tests --lib "${tests[@]}" -- --test-threads=1
