#!/usr/bin/env bash
# Runs one kind of test. Usage: tests.sh unit|charts|process
# Always over the whole workspace: cargo then unifies features once, and compiles dependencies once.
set -euo pipefail
kind=${1:?usage: tests.sh unit|charts|process}

select_tests() { # folder pattern...: --test arguments for the integration tests that match
  local file
  for file in "$@"; do
    [ -e "$file" ] && printf -- '--test\n%s\n' "$(basename "$file" .rs)"
  done
}

case $kind in
  unit)
    mapfile -t targets < <(select_tests {admission,broker,cli,crds,operator,simulator,swarm}/tests/*.rs)
    exec cargo test --workspace --locked --lib --bins "${targets[@]}" ;;
  process)
    : "${HERDGATE_BIN_DIR:?must name the folder of the built binaries}"
    mapfile -t targets < <(select_tests tests/tests/process*.rs)
    # One at a time: each brings its own herd, and two cores carry one.
    exec cargo test --workspace --locked "${targets[@]}" -- --test-threads=1 ;;
  charts)
    exec cargo test --workspace --locked --test charts ;;
  *) echo "tests.sh: '$kind' must be unit, charts or process" >&2; exit 64 ;;
esac
