# The node: its files, its first process, and how that one ends.

write_node_files() {
  mkdir -p "$RUN"/{log,etcd,kubelet,containerd,cni,volumes,sysctl,pid,again}
  printf '%s\n' "$RUN" > "$LOCK"
  write_pki
  cp "$here/manifests/audit-policy.yaml" "$RUN/"
  write_containerd_files
  write_kubelet_file
  write_proxy_file
}

# restrict_oom_score_adj: where the kernel lets nobody lower a score, runc would fail to start any sandbox.
write_containerd_files() {
  cat > "$RUN/containerd.toml" <<TOML
version = 2
root = "$RUN/containerd/root"
state = "$RUN/containerd/state"
[grpc]
  address = "$RUN/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/lab/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$(cni_dir)"
    conf_dir = "$RUN/cni"
TOML
  # ptp, not bridge: pods are routed to each other, so Services work without the kernel's bridge filter.
  cat > "$RUN/cni/10-lab.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "lab", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "dataDir": "$RUN/cni/leases", "ranges": [[{"subnet": "$POD_RANGE"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

# syncFrequency: a replaced Secret reaches its pod within seconds rather than a minute.
write_kubelet_file() {
  cat > "$RUN/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
containerRuntimeEndpoint: unix://$RUN/containerd.sock
failSwapOn: false
syncFrequency: 5s
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: $RUN/pki/ca.crt}, webhook: {enabled: true}}
tlsCertFile: $RUN/pki/kubelet.crt
tlsPrivateKeyFile: $RUN/pki/kubelet.key
clusterDomain: cluster.local
clusterDNS: [$DNS_ADDRESS]
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi}
imageGCHighThresholdPercent: 100
resolvConf: ""
YAML
}

write_proxy_file() {
  cat > "$RUN/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: $RUN/kube-proxy.kubeconfig}
clusterCIDR: $POD_RANGE
conntrack: {maxPerCore: 0}
YAML
}

# The first process of the node's own namespaces; it keeps the lock (descriptor 9) open as long as it lives.
start_node() {
  make_cgroups
  setsid unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc --propagation private \
    bash "$here/init.sh" "$RUN" "$BIN" "$NODE_NAME" "$NODE_ADDRESS" "$SERVICE_RANGE" \
    > "$RUN/log/init.log" 2>&1 < /dev/null &
  local outer=$!
  wait_until 10 "the node's first process" pgrep --parent "$outer"
  pgrep --parent "$outer" > "$RUN/node.pid"
  # From here on the node alone holds the lock.
  exec 9>&-
}

end_node() {
  if lab_is_up; then kill -9 "$(node_pid)"; fi
  exec 9>>"$LOCK"
  flock --timeout 20 9 || fail "a lab is still there: $(lock_text)"
}

# kill_program NAME: without a word, as a crash would; the rest of the node goes on.
kill_program() {
  is_program "$1"
  nsenter --target "$(node_pid)" --pid kill -9 "$(cat "$RUN/pid/$1")"
  wait_until 10 "the end of $1" test -e "$RUN/log/$1.ended"
  say "$1 is killed"
}

# start_program NAME: one that has ended, with the flags that it had.
start_program() {
  is_program "$1"
  [ -e "$RUN/log/$1.ended" ] || fail "$1 runs"
  touch "$RUN/again/$1"
  wait_until 10 "the start of $1" test ! -e "$RUN/log/$1.ended"
  say "$1 is started again"
}

is_program() {
  [[ ${1:-} =~ ^[a-z-]+$ ]] && [ -e "$RUN/pid/$1" ] || fail "'${1:-}' is no program of the node; there are: $(ls -x "$RUN/pid")"
}

# Every controller's hierarchy (cgroup v1), or the one of all (v2).
cgroup_roots() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else
    find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d; fi
}

# Pods together count as ten tasks, not as one: a build beside them takes no more than its share.
make_cgroups() {
  local root weight
  for root in $(cgroup_roots); do
    mkdir -p "$root/$CGROUP"
    if [ -e "$root/cgroup.controllers" ]; then
      delegate "$root"
      delegate "$root/$CGROUP"
    elif [ -e "$root/cpuset.cpus" ]; then
      # a new cpuset of v1 is empty, and nothing can run in it
      cat "$root/cpuset.cpus" > "$root/$CGROUP/cpuset.cpus"
      cat "$root/cpuset.mems" > "$root/$CGROUP/cpuset.mems"
    fi
    for weight in cpu.shares=10240 cpu.weight=1000; do
      [ ! -e "$root/$CGROUP/${weight%=*}" ] || echo "${weight#*=}" > "$root/$CGROUP/${weight%=*}"
    done
  done
}

delegate() {
  local controller
  for controller in $(cat "$1/cgroup.controllers"); do echo "+$controller" > "$1/cgroup.subtree_control" || true; done
}

remove_cgroups() {
  local root
  for root in $(cgroup_roots); do
    [ ! -d "$root/$CGROUP" ] || find "$root/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}
