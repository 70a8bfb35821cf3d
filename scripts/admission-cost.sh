#!/usr/bin/env bash
# Counts the instructions of the way in (connect, CONNECT, ten SUBSCRIBEs, a message), with the gate open and without one,
# under valgrind's callgrind. What a process costs by itself falls out: it is the difference between two sizes of fleet.
# Usage: admission-cost.sh HERDGATE HERDGATE-SWARM [GATEWAYS]
set -euo pipefail
broker=$(realpath "${1:?usage: admission-cost.sh HERDGATE HERDGATE-SWARM [GATEWAYS]}")
swarm=$(realpath "${2:?usage: admission-cost.sh HERDGATE HERDGATE-SWARM [GATEWAYS]}")
gateways=${3:-500}
command -v valgrind >/dev/null || { echo "admission-cost.sh: valgrind is not installed" >&2; exit 69; }
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

await() { # what, command...: until it succeeds
  local what=$1 tries=1200
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "admission-cost.sh: $what: not in time" >&2; cat "$folder/log" >&2; exit 1; }
    sleep 0.1
  done
}
field() { python3 -c 'import json,sys; print(eval(sys.argv[2], {}, {"it": json.load(open(sys.argv[1]))}))' "$folder/ready.json" "$1"; }
is_open() { curl -fsS "http://$(field 'it["admin"]')/status" | python3 -c 'import json,sys; it=json.load(sys.stdin); sys.exit(it["level"] < it["slices"])'; }

instructions() { # mode, gateways
  cat > "$folder/herdgate.yaml" <<YAML
listeners: [{name: mqtt, address: '127.0.0.1:0', protocol: mqtt}]
authentication: {anonymous: Always, clientIdPattern: '*'}
admission: {mode: $1}
edge: {workers: 1, drain: {delaySeconds: 0, clientsPerSecond: 1000000}}
shard: {workers: 1, sysIntervalSeconds: 0}
admin: {address: '127.0.0.1:0'}
log: {level: warn}
YAML
  rm -f "$folder/ready.json"
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$broker" standalone -c "$folder/herdgate.yaml" \
    --ready-file "$folder/ready.json" > "$folder/log" 2>&1 &
  server=$!
  await "the broker" test -s "$folder/ready.json"
  local address
  address=$(field 'it["listeners"]["mqtt"]')
  fleet 1 "$address" # the first knock opens the gate
  [ "$1" = Open ] || await "the gate" is_open
  fleet "$2" "$address"
  kill -TERM "$server"
  wait "$server" || true
  server=
  sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p' "$folder/log"
}

fleet() { # gateways, address
  cat > "$folder/fleet.yaml" <<YAML
target: {address: '$2', protocol: mqtt}
ranges: [{name: all, gateways: $1, sources: [127.1.0.0/16]}]
identity: {clientId: 'gw-{n}'}
topics: {count: 10}
timing: {patienceSeconds: 600, stepTimeoutSeconds: 600, keepAliveSeconds: 0}
bringUp: {concurrent: 50, timeoutSeconds: 3000}
YAML
  "$swarm" run "$folder/fleet.yaml" > "$folder/swarm.log" 2>&1 || { cat "$folder/swarm.log" >&2; exit 1; }
}

declare -A each
for mode in Open Staged; do
  few=$(instructions "$mode" "$gateways")
  many=$(instructions "$mode" $((3 * gateways)))
  each[$mode]=$(((many - few) / (2 * gateways)))
  echo "$mode: $few instructions with $gateways gateways, $many with three times as many: ${each[$mode]} for each"
done
python3 -c 'import sys; print(f"Staged ÷ Open: {int(sys.argv[1]) / int(sys.argv[2]):.4f}")' "${each[Staged]}" "${each[Open]}"
