#!/usr/bin/env bash
# The lab's cloud provider: gives each LoadBalancer Service an address, and each claim of class `lab` a volume.
# Started by init.sh alone: provider.sh RUN BIN
set -euo pipefail
RUN=$1 BIN=$2
export KUBECONFIG=$RUN/provider.kubeconfig
kubectl() { "$BIN/kubectl" --cache-dir "$RUN/kubectl-cache" "$@"; }

# forever NAME: one watch after the other; a watch ends whenever the API server likes.
forever() {
  while :; do
    "$1" || true
    sleep 0.5
  done
}

watch_services() {
  local path='{.metadata.namespace}|{.metadata.name}|{.spec.type}|{.spec.loadBalancerClass}|{.status.loadBalancer.ingress[0].ip}{"\n"}'
  local namespace name type class address
  kubectl get services --all-namespaces --watch --output "jsonpath=$path" |
    while IFS='|' read -r namespace name type class address; do
      [ "$type" = LoadBalancer ] && [ -z "$address" ] || continue
      case $class in '' | lab) give_address "$namespace" "$name" ;; esac
    done
}

give_address() {
  local address
  address=$(free_address) || { echo "no address is left for $1/$2"; return; }
  kubectl patch service --namespace "$1" "$2" --subresource status --type merge \
    --patch "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"$address\"}]}}}" || true
}

free_address() {
  local taken last
  taken=$(kubectl get services --all-namespaces --output 'jsonpath={range .items[*]}{.status.loadBalancer.ingress[0].ip}{"\n"}{end}')
  for last in $(seq 1 254); do
    grep -qxF "198.19.255.$last" <<<"$taken" || { echo "198.19.255.$last"; return; }
  done
  return 1
}

watch_claims() {
  local path='{.metadata.namespace}|{.metadata.name}|{.metadata.uid}|{.spec.storageClassName}|{.status.phase}|{.spec.resources.requests.storage}|{.spec.accessModes[0]}{"\n"}'
  local namespace name uid class phase size mode
  kubectl get persistentvolumeclaims --all-namespaces --watch --output "jsonpath=$path" |
    while IFS='|' read -r namespace name uid class phase size mode; do
      [ "$class" = lab ] && [ "$phase" = Pending ] || continue
      give_volume "$namespace" "$name" "$uid" "$size" "$mode"
    done
}

# Mode 0777: hostPath ignores fsGroup, and the pods run as nobody in particular.
give_volume() {
  local folder=$RUN/volumes/$3
  mkdir -p "$folder"
  chmod 0777 "$folder"
  kubectl create --filename - <<YAML || true
apiVersion: v1
kind: PersistentVolume
metadata: {name: lab-$3}
spec:
  storageClassName: lab
  capacity: {storage: $4}
  accessModes: [$5]
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: $1, name: $2, uid: $3}
  hostPath: {path: $folder, type: Directory}
YAML
}

watch_volumes() {
  local path='{.metadata.name}|{.spec.storageClassName}|{.status.phase}{"\n"}'
  local name class phase
  kubectl get persistentvolumes --watch --output "jsonpath=$path" |
    while IFS='|' read -r name class phase; do
      [ "$class" = lab ] && [ "$phase" = Released ] || continue
      kubectl delete persistentvolume "$name" --wait=false || true
      rm -rf --one-file-system "${RUN:?}/volumes/${name#lab-}"
    done
}

main() {
  forever watch_services &
  forever watch_claims &
  forever watch_volumes &
  wait
}

main; exit
