# What the machine must bring: root, namespaces, Go (unless the tools are built), some Debian packages.

# The commands that prove a package present, so that a containerd of another origin is used as it is.
REQUIRED_COMMANDS=(
  containerd:containerd runc:runc nft:nftables ip:iproute2 conntrack:conntrack
  buildah:buildah openssl:openssl pgrep:procps curl:curl unshare:util-linux
)

require_all() {
  [ "$(uname -s)" = Linux ] || skip "it needs Linux"
  [ "$(id -u)" -eq 0 ] || skip "it needs root"
  unshare --mount --net --pid --ipc --uts --fork true 2>/dev/null || skip "this machine lets nobody make namespaces"
  require_tools
  install_packages
}

require_tools() {
  tools_are_built || command -v go >/dev/null || skip "it needs Go to build Kubernetes, and there is none"
}

cni_dir() {
  local dir
  for dir in /usr/lib/cni /opt/cni/bin; do
    [ -x "$dir/ptp" ] && [ -x "$dir/host-local" ] && [ -x "$dir/portmap" ] && { echo "$dir"; return; }
  done
  return 1
}

install_packages() {
  local entry missing=()
  for entry in "${REQUIRED_COMMANDS[@]}"; do
    command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
  done
  cni_dir >/dev/null || missing+=(containernetworking-plugins)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || skip "it needs ${missing[*]}, and this is no Debian"
  say "installing Debian packages: ${missing[*]}"
  apt-get update -qq
  # --no-remove: what is there stays, whatever it conflicts with
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove --no-install-recommends "${missing[@]}" >/dev/null
}
