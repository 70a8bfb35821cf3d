#!/usr/bin/env bash
# Fuzzes the broker, and prints a table of what came of it. See docs/fuzzing.md.
# Usage: fuzz.sh [--minutes N] [--jobs N] [--target NAME[,NAME]] [--detach FILE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { printf 'fuzz.sh: %s\n' "$*" >&2; exit 64; }
cache=${HERDGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/herdgate}/fuzz

# Targets, shares of the time, and bytes of the longest input. The session has the most to find.
declare -A share=([v3]=1 [v5]=1 [link]=1 [proxy]=1 [websocket]=1 [filters]=1 [session]=2)
declare -A longest=([v3]=4096 [v5]=4096 [link]=8192 [proxy]=4200 [websocket]=9000 [filters]=2048 [session]=2048)
order=(session v5 v3 link websocket filters proxy)

minutes=120 jobs=1 detach='' chosen=("${order[@]}")
arguments=("$@")
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage "$1 needs a value"
  case $1 in
    --minutes) minutes=$2 ;;
    --jobs) jobs=$2 ;;
    --target) IFS=, read -ra chosen <<<"$2" ;;
    --detach) detach=$2 ;;
    *) usage "unknown option $1: --minutes, --jobs, --target, --detach" ;;
  esac
  shift 2
done
[[ $minutes =~ ^[1-9][0-9]*$ ]] || usage "--minutes '$minutes' must be a whole number from 1"
[[ $jobs =~ ^[1-9][0-9]*$ ]] || usage "--jobs '$jobs' must be a whole number from 1"
shares=0
for target in "${chosen[@]}"; do
  [ -n "${share[$target]:-}" ] || usage "--target '$target' must be among ${order[*]}"
  shares=$((shares + share[$target]))
done

if [ -n "$detach" ] && [ -z "${HERDGATE_FUZZ_DETACHED:-}" ]; then
  HERDGATE_FUZZ_DETACHED=1 setsid nohup "$PWD/scripts/fuzz.sh" "${arguments[@]}" </dev/null >"$detach" 2>&1 &
  echo "fuzzing as process $!, into $detach"
  exit
fi

# The stable toolchain instruments as cargo-fuzz would, without sanitizers: the broker has no unsafe code.
host=$(rustc -vV | sed -n 's/^host: //p')
build() {
  local flags=-Cpasses=sancov-module option
  for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags+=" -Cllvm-args=-sanitizer-coverage-$option"
  done
  # --target: build scripts and macros run without it
  CARGO_TARGET_DIR=$cache/target RUSTFLAGS=$flags cargo build --locked --profile fuzz --target "$host" \
    -p herdgate-fuzz --features libfuzzer
}
build
# A copy: a build in the meantime must not change what runs.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$cache/target/$host/fuzz/herdgate-fuzz" "$work/herdgate-fuzz"

fuzz() { # target, libFuzzer's arguments
  HERDGATE_FUZZ_TARGET=$1 "$work/herdgate-fuzz" -max_len="${longest[$1]}" -timeout=20 -rss_limit_mb=1024 "${@:2}" 2>&1
}

last() { # file, what stands before the number
  grep -oE "$2 *[0-9]+" "$1" | tail -n 1 | grep -oE '[0-9]+$' || echo 0
}

run() { # target: leaves a row of the table, and a file `failed` when it is one
  local target=$1 seeds=tests/fuzz/seeds/$1 log=$cache/log/$1.log seconds status=0 result=ok
  seconds=$((minutes * 60 * share[$target] / shares))
  mkdir -p "$cache/corpus/$target" "$cache/found" "$cache/log"
  fuzz "$target" -runs=0 "$seeds" >"$work/$target.seeds" || true
  fuzz "$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$cache/found/$target-" \
    "$cache/corpus/$target" "$seeds" >"$log" || status=$?
  local of_seeds edges
  of_seeds=$(last "$work/$target.seeds" cov:) edges=$(last "$log" cov:)
  if [ "$status" -ne 0 ]; then
    result="FAILED ($status): $(grep -oE 'Test unit written to .*' "$log" | tail -n 1 | sed 's/.* //')"
  elif [ "$edges" -le "$of_seeds" ]; then
    result='FAILED: no coverage beyond its seeds'
  fi
  [ "$result" = ok ] || touch "$work/failed"
  printf '| %-9s | %5s | %8s | %6s | %8s | %10s | %8s | %6s | %4s | %s |\n' "$target" \
    "$(find "$seeds" -type f | wc -l)" "$of_seeds" "$edges" "$(last "$log" ft:)" \
    "$(last "$log" number_of_executed_units:)" "$(last "$log" average_exec_per_sec:)" \
    "$(find "$cache/corpus/$target" -type f | wc -l)" "$(last "$log" peak_rss_mb:)" "$result" >"$work/$target.row"
  echo "$target: $result ($log)"
}

for target in "${chosen[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  echo "$target: $((minutes * 60 * share[$target] / shares)) seconds"
  run "$target" &
done
wait

printf '\n| %-9s | %5s | %8s | %6s | %8s | %10s | %8s | %6s | %4s | %s |\n' \
  target seeds "of seeds" edges features executions "a second" corpus MB result
printf '|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n'
for target in "${chosen[@]}"; do cat "$work/$target.row"; done
[ ! -e "$work/failed" ]
