#!/usr/bin/env bash
# The first process inside the node's namespaces: starts the programs, reaps what they leave behind, and takes all of
# them along when it ends. Started by lab.sh alone: init.sh RUN BIN NODE_NAME NODE_ADDRESS SERVICE_RANGE
set -euo pipefail
RUN=$1 BIN=$2 NODE_NAME=$3 NODE_ADDRESS=$4 SERVICE_RANGE=$5
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The kubelet and containerd must see each other's mounts, this machine none of them.
separate_mounts() {
  mount --make-rshared /
  hostname "$NODE_NAME"
}

# The kubelet sets some kernel parameters that belong to the whole machine; it finds them set already in files of ours.
shield_sysctls() {
  local entry file
  for entry in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    file=$RUN/sysctl/$(basename "${entry%%=*}")
    echo "${entry##*=}" > "$file"
    mount --bind "$file" "/proc/sys/${entry%%=*}"
  done
}

# start NAME COMMAND…: its end is noted, not mended, unless somebody asks (`lab.sh start`); `lab.sh status` tells.
start() {
  local name=$1
  shift
  (
    # the lock is this process's own: a program that outlives it by a moment must not hold it
    exec 9>&-
    while :; do
      rm -f "$RUN/log/$name.ended" "$RUN/again/$name"
      "$@" >> "$RUN/log/$name.log" 2>&1 < /dev/null &
      echo $! > "$RUN/pid/$name"
      wait $! || true
      date -u +%FT%TZ > "$RUN/log/$name.ended"
      wait_for [ -e "$RUN/again/$name" ]
    done
  ) &
}

wait_for() { until "$@" >/dev/null 2>&1; do sleep 0.1; done; }

# What connect_node makes last: loopback and eth0 are there before it. `ip` succeeds with nothing to show, too.
has_default_route() { [ -n "$(ip -4 route show default)" ]; }

start_control_plane() {
  start etcd "$BIN/etcd" --data-dir "$RUN/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  local pki=$RUN/pki
  start kube-apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --advertise-address="$NODE_ADDRESS" --secure-port=6443 --service-cluster-ip-range="$SERVICE_RANGE" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$pki/serviceaccount.pub" --service-account-signing-key-file="$pki/serviceaccount.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement --allow-privileged=true --profiling=false \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --audit-policy-file="$RUN/audit-policy.yaml" --audit-log-path="$RUN/audit.log"
  start containerd containerd --config "$RUN/containerd.toml"
  wait_for curl --silent --insecure --max-time 1 --fail "https://$NODE_ADDRESS:6443/livez"
  start kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig="$RUN/kube-controller-manager.kubeconfig" \
    --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/serviceaccount.key" \
    --use-service-account-credentials --leader-elect=false \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
  start kube-scheduler "$BIN/kube-scheduler" --kubeconfig="$RUN/kube-scheduler.kubeconfig" --leader-elect=false
}

start_node_agents() {
  start kubelet "$BIN/kubelet" --config="$RUN/kubelet.yaml" --kubeconfig="$RUN/kubelet.kubeconfig" \
    --hostname-override="$NODE_NAME" --node-ip="$NODE_ADDRESS" --root-dir="$RUN/kubelet"
  start kube-proxy "$BIN/kube-proxy" --config="$RUN/kube-proxy.yaml" --hostname-override="$NODE_NAME"
  start provider bash "$here/provider.sh" "$RUN" "$BIN"
}

main() {
  separate_mounts
  shield_sysctls
  wait_for has_default_route
  start_control_plane
  start_node_agents
  # bash reaps every orphan of this pid namespace while it waits
  while :; do wait -n || sleep 1; done
}

main; exit
