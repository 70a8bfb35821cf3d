#!/usr/bin/env bash
# Runs one kind of test. Usage: tests.sh unit|process|lab
# Always over the whole workspace: cargo then unifies features once, and compiles dependencies once.
set -euo pipefail
kind=${1:?usage: tests.sh unit|process|lab}

select_tests() { # folder pattern...: --test arguments for the integration tests that match
  local file
  for file in "$@"; do
    [ -e "$file" ] && printf -- '--test\n%s\n' "$(basename "$file" .rs)"
  done
}

case $kind in
  unit)
    mapfile -t targets < <(select_tests {admission,broker,crds,operator,swarm}/tests/*.rs tests/tests/charts*.rs)
    exec cargo test --workspace --locked --lib --bins "${targets[@]}" ;;
  process)
    : "${HERDGATE_BIN_DIR:?must name the folder of the built binaries}"
    mapfile -t targets < <(select_tests tests/tests/process*.rs)
    # One at a time: each brings its own herd, and two cores carry one.
    exec cargo test --workspace --locked "${targets[@]}" -- --test-threads=1 ;;
  lab)
    : "${HERDGATE_BIN_DIR:?must name the folder of the built binaries}"
    mapfile -t targets < <(select_tests tests/tests/lab*.rs)
    exec cargo test --workspace --locked "${targets[@]}" -- --test-threads=1 --nocapture ;;
  *) echo "tests.sh: '$kind' must be unit, process or lab" >&2; exit 64 ;;
esac
