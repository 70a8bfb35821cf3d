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
    # Most of these wait more than they work, so two lanes share the cores; in a lane one at a time: each brings its herd.
    mapfile -t herds < <(select_tests tests/tests/process_{admission,cli,demo,faults,hostile,incidents}.rs)
    mapfile -t all < <(select_tests tests/tests/process*.rs)
    mapfile -t others < <(printf '%s\n' "${all[@]}" "${herds[@]}" | grep -v -- '^--test$' | sort | uniq -u | sed 's/^/--test\n/')
    lane() { cargo test --workspace --locked --no-fail-fast "$@" -- --test-threads=1; }
    lane --no-run "${all[@]}"
    beside=$(mktemp)
    lane "${others[@]}" >"$beside" 2>&1 & other=$!
    trap 'kill "$other" 2>/dev/null || true; rm -f "$beside"' EXIT
    failed=0
    lane "${herds[@]}" || failed=1
    wait "$other" || failed=1
    cat "$beside"
    exit "$failed" ;;
  charts)
    exec cargo test --workspace --locked --test charts ;;
  *) echo "tests.sh: '$kind' must be unit, charts or process" >&2; exit 64 ;;
esac
