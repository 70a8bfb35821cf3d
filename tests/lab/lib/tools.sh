# The programs of the lab, built from Go modules. tools/NAME/go.mod names the versions.

TOOLS=$here/tools
TOOL_MODULES=(kubernetes etcd coredns helm pause)
KUBERNETES_PROGRAMS=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

tools_stamp() {
  cat "$TOOLS"/*/go.mod "$TOOLS"/*/go.sum "$TOOLS"/pause/main.go "$here/lib/tools.sh" | sha256sum | cut -c1-16
}

BIN=$CACHE/lab/bin/$(tools_stamp)

tools_are_built() { [ -e "$BIN/complete" ]; }

version_of() { sed -n "s|^\(require\)\?\s*$2 \(v[^ ]*\).*|\2|p" "$TOOLS/$1/go.mod"; }

# build_module NAME LDFLAGS PACKAGE=PROGRAM…
build_module() {
  local name=$1 ldflags=$2 target
  shift 2
  say "building $name (only the first time)"
  for target in "$@"; do
    (cd "$TOOLS/$name" && env -u GOFLAGS GOWORK=off CGO_ENABLED=0 \
      go build -mod=readonly -trimpath -buildvcs=false -ldflags "$ldflags" -o "$BIN/${target##*=}" "${target%%=*}")
  done
}

build_tools() {
  tools_are_built && return
  mkdir -p "$BIN"
  say "building the lab's programs into $BIN: ten minutes on two cores with an empty Go cache"
  local stamp=k8s.io/component-base/version version programs=() program
  version=$(version_of kubernetes k8s.io/kubernetes)
  for program in "${KUBERNETES_PROGRAMS[@]}"; do programs+=("k8s.io/kubernetes/cmd/$program=$program"); done
  build_module kubernetes \
    "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=$(cut -d. -f2 <<<"$version")" "${programs[@]}"
  build_module etcd "-s -w" go.etcd.io/etcd/server/v3=etcd
  build_module coredns "-s -w" github.com/coredns/coredns=coredns
  build_module helm "-s -w" helm.sh/helm/v4/cmd/helm=helm
  build_module pause "-s -w" .=pause
  touch "$BIN/complete"
}
