# Where things are, and how the lab speaks.

CACHE=${HERDGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/herdgate}
# Everything a run writes; made by `up`, gone after `down`.
RUN=${HERDGATE_LAB_RUN:-$CACHE/lab/run}
# The lab's addresses and link exist once on a machine, so its lock does too.
LOCK=/run/lock/herdgate-lab
KUBECONFIG_FILE=$RUN/admin.kubeconfig
AUDIT_LOG=$RUN/audit.log

# RFC 2544 sets 198.18.0.0/15 aside for benchmarks: such a packet has nowhere else to go.
LAB_RANGE=198.18.0.0/15
POD_RANGE=198.18.0.0/17
FLEET_RANGE=198.18.128.0/18
HOST_ADDRESS=198.18.254.1
NODE_ADDRESS=198.18.254.2
SERVICE_RANGE=198.19.0.0/17
API_SERVICE_ADDRESS=198.19.0.1
DNS_ADDRESS=198.19.0.10
LOAD_BALANCER_RANGE=198.19.255.0/24
HOST_LINK=herdgate-lab0
NODE_NAME=lab
CGROUP=herdgate-lab

say() { printf 'lab: %s\n' "$*"; }
fail() { printf 'lab: %s\n' "$*" >&2; exit 1; }

# A machine that cannot carry the lab: no failure for a person, one for CI, where nobody would notice the hole.
skip() {
  printf '\n*** SKIP: the Kubernetes lab does not run here: %s ***\n\n' "$*" >&2
  if [ "${CI:-}" = true ]; then
    printf 'lab: CI=true, so a skip is a failure\n' >&2
    exit 1
  fi
  exit "${SKIP_STATUS:-0}"
}

# wait_until SECONDS WHAT COMMAND…: the deadline is generous, the step is short.
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "gave up waiting for $what; see $RUN/log"
    sleep 0.2
  done
}

# The lock is held by the node's first process: when that is gone, however it went, the lock is free.
take_lock() {
  exec 9>>"$LOCK"
  flock --nonblock 9
}

lab_is_up() {
  [ -e "$LOCK" ] && ! flock --nonblock "$LOCK" true && [ -e "$RUN/node.pid" ]
}

lock_text() { cat "$LOCK" 2>/dev/null; }
node_pid() { cat "$RUN/node.pid"; }
