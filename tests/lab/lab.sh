#!/usr/bin/env bash
# A real one-node Kubernetes on this Linux machine, in namespaces of its own. See README.md beside this file.
# Usage: lab.sh tools | up | down | status | env | load IMAGE.tar… | fleet RANGE… | kill PROGRAM | start PROGRAM
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common requirements tools network pki images node cluster clean; do
  # shellcheck source=/dev/null
  . "$here/lib/$part.sh"
done

up() {
  require_all
  take_lock || fail "a lab is already up: $(lock_text); end it with 'lab.sh down'"
  clean_remains
  build_tools
  build_lab_images
  local began=$SECONDS
  # half a lab is of no use: what does not come up goes at once, its logs stay until the next `up`
  trap 'kill -9 "$(node_pid 2>/dev/null)" 2>/dev/null' EXIT
  write_node_files
  start_node
  connect_node
  wait_for_api
  furnish_cluster
  trap - EXIT
  say "ready in $((SECONDS - began)) s"
  describe
}

down() {
  [ "$(id -u)" -eq 0 ] || fail "only root can end the lab"
  end_node
  clean_remains
  say "the lab is gone"
}

status() {
  lab_is_up || { say "no lab is up"; return 1; }
  describe
  KUBECONFIG=$KUBECONFIG_FILE "$BIN/kubectl" get nodes,pods --all-namespaces
  component_report
}

# What the tests need to know, for a shell to read.
environment() {
  printf 'export HERDGATE_LAB_KUBECONFIG=%q\n' "$KUBECONFIG_FILE"
  printf 'export HERDGATE_LAB_AUDIT_LOG=%q\n' "$AUDIT_LOG"
  printf 'export HERDGATE_LAB_TOOLS=%q\n' "$BIN"
}

describe() {
  say "kubeconfig: $KUBECONFIG_FILE"
  say "kubectl and helm: $BIN"
  say "audit log: $AUDIT_LOG"
  say "everything ends with: kill -9 $(node_pid)"
}

main() {
  local command=${1:-}
  [ $# -eq 0 ] || shift
  case $command in
    tools) require_tools; build_tools ;;
    up) up ;;
    down) down ;;
    status) status ;;
    env) environment ;;
    load) lab_is_up || fail "no lab is up"; load_images "$@" ;;
    fleet) lab_is_up || fail "no lab is up"; add_fleet "$@" ;;
    kill) lab_is_up || fail "no lab is up"; kill_program "$@" ;;
    start) lab_is_up || fail "no lab is up"; start_program "$@" ;;
    *) sed -n '2,3s/^# //p' "$0" >&2; exit 64 ;;
  esac
}

# One line, so that an edit of this file cannot change a run under way.
main "$@"; exit
