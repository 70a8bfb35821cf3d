# What a fresh cluster lacks, and what `status` looks at.

kubectl() { KUBECONFIG=$KUBECONFIG_FILE "$BIN/kubectl" --cache-dir "$RUN/kubectl-cache" "$@"; }

wait_for_api() {
  wait_until 60 "containerd" ctr --address "$RUN/containerd.sock" version
  load_images "$LAB_IMAGES/pause.tar" "$LAB_IMAGES/coredns.tar"
  wait_until 90 "the API server" kubectl get --raw /readyz
}

furnish_cluster() {
  wait_until 30 "the API server to take the lab's objects" kubectl apply --filename "$here/manifests/cluster.yaml"
  wait_until 60 "the node to register" kubectl get node "$NODE_NAME"
  wait_until 60 "the node to be ready" kubectl wait --for condition=Ready "node/$NODE_NAME" --timeout 1s
  wait_until 60 "the cluster's DNS" kubectl --namespace kube-system rollout status deployment/coredns --timeout 1s
}

component_report() {
  local ended found=0
  for ended in "$RUN"/log/*.ended; do
    [ -e "$ended" ] || continue
    say "$(basename "$ended" .ended) ended at $(cat "$ended"); its log is beside"
    found=1
  done
  [ "$found" -eq 0 ] && say "all programs of the node run"
}
