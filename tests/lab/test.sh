#!/usr/bin/env bash
# The end to end tests on a real Kubernetes: the lab, or the cluster that HERDGATE_TEST_KUBECONFIG names.
# Wants HERDGATE_BIN_DIR. A lab that is already up is used and left up.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
lab=$here/lab.sh
: "${HERDGATE_BIN_DIR:?must name the folder of the built binaries}"
SKIPPED=75

use_given_cluster() {
  "$lab" tools
  eval "$("$lab" env)"
  export HERDGATE_LAB_KUBECONFIG=$HERDGATE_TEST_KUBECONFIG
  unset HERDGATE_LAB_AUDIT_LOG
}

use_lab() {
  if ! "$lab" status >/dev/null 2>&1; then
    "$lab" up
    started=yes
  fi
  eval "$("$lab" env)"
  local images
  images=$(mktemp -d)
  "$root/images/build.sh" --out "$images"
  "$lab" load "$images"/*.tar
  rm -rf "$images"
  export HERDGATE_LAB_FLEET=198.18.128.0/18
  "$lab" fleet "$HERDGATE_LAB_FLEET"
}

# A skip has an exit code of its own in here, so that the rest is not tried.
export SKIP_STATUS=$SKIPPED
started=no
finish() {
  local status=$?
  [ $started = no ] || "$lab" down
  [ $status -ne $SKIPPED ] || status=0
  exit $status
}
trap finish EXIT

if [ -n "${HERDGATE_TEST_KUBECONFIG:-}" ]; then use_given_cluster; else use_lab; fi
# the whole workspace: cargo then unifies features as the other tests do, and compiles nothing twice
cargo test --locked --workspace --test lab_e2e -- --nocapture
