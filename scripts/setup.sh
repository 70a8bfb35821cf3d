#!/usr/bin/env bash
# Installs what a fresh Debian machine lacks, and says what. Usage: setup.sh build|test|image|fuzz
set -euo pipefail
what=${1:?usage: setup.sh build|test|image|fuzz}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Debian packages by the command or file that proves them present.
missing=()
need() { command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing+=("$2"); }

need cc build-essential
need make make
if [ "$what" = test ]; then
  need mosquitto_pub mosquitto-clients
  need mosquitto_passwd mosquitto
  need /usr/sbin/haproxy haproxy
  need openssl openssl
  need curl curl
  need python3 python3
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  # client libraries of others
  need node nodejs
  need npm npm
  need javac default-jdk-headless
  need mvn maven
fi
if [ "$what" = fuzz ]; then
  # libFuzzer is C++
  need c++ build-essential
fi
if [ "$what" = image ]; then
  command -v docker >/dev/null || need buildah buildah
  need strip binutils
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null \
    || fail "please install as root: apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  # --no-remove: nothing that is there may go for us
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-remove --no-install-recommends "${missing[@]}" >/dev/null
  # Only the programs of these are wanted: what Debian starts with them would hold ports that others may want.
  if command -v systemctl >/dev/null; then
    for service in mosquitto haproxy; do
      [[ " ${missing[*]} " = *" $service "* ]] || continue
      "${as_root[@]}" systemctl disable --now "$service" 2>/dev/null || true
    done
  fi
fi

[ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"
if ! command -v cargo >/dev/null; then
  "${as_root[@]}" apt-get update -qq
  [ -n "$(apt-cache madison rustup)" ] \
    || fail "no cargo here, and this Debian has no rustup package (13 and later do): please install rustup, then try again"
  say "installing Debian package: rustup"
  "${as_root[@]}" apt-get install -y -qq --no-remove rustup >/dev/null
fi
channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
if command -v rustup >/dev/null && ! rustup run "$channel" rustc --version >/dev/null 2>&1; then
  say "installing Rust $channel"
  rustup toolchain install "$channel" --profile minimal --component clippy --component rustfmt
fi
# last, for one of them is built with cargo
[ "$what" != test ] || "$(dirname "$0")/clients.sh" all
