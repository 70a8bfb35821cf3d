#!/usr/bin/env bash
# Installs the brokers that ours is measured against, and says what. What does not install is said loudly and left out:
# the benchmark then says SKIP for it. Usage: bench-peers.sh FOLDER [the benchmark's flags]
set -uo pipefail
folder=${1:?usage: bench-peers.sh FOLDER [flags]}
shift
wanted=,mosquitto,haproxy,nats,rumqttd,rmqtt,
while [ $# -gt 0 ]; do
  case $1 in
    --peers) wanted=",${2:-}," ;;
    --peers=*) wanted=",${1#--peers=}," ;;
  esac
  shift
done

say() { printf 'bench-peers: %s\n' "$*"; }
want() { [[ $wanted == *",$1,"* ]]; }

packages=()
debian() { # peer, program, package
  want "$1" || return 0
  [ -x "/usr/sbin/$2" ] || command -v "$2" >/dev/null || packages+=("$3")
}
debian mosquitto mosquitto mosquitto
debian haproxy mosquitto mosquitto
debian haproxy haproxy haproxy
debian nats nats-server nats-server
debian rmqtt protoc protobuf-compiler # to build it
command -v taskset >/dev/null || packages+=(util-linux)

if [ ${#packages[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  say "installing Debian packages: ${packages[*]}"
  "${as_root[@]}" apt-get update -qq
  for package in "${packages[@]}"; do
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-remove --no-install-recommends "$package" >/dev/null \
      || say "FAILED to install $package"
  done
fi

crate() { # peer, crate, version, program, flags
  want "$1" || return 0
  [ -x "$folder/bin/$4" ] && return 0
  say "building $2 $3 into $folder"
  # shellcheck disable=SC2086 # flags are words
  cargo install --quiet ${5-} --root "$folder" --version "=$3" "$2" || say "FAILED to build $2 $3"
}
# Without its lock file: that names metrics 0.22.1, which Rust 1.95 does not compile.
crate rumqttd rumqttd 0.20.0 rumqttd
crate rmqtt rmqttd 0.24.0 rmqttd --locked
exit 0
