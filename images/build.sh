#!/usr/bin/env bash
# Builds the images herdgate and herdgate-operator as archives that docker, podman and containerd can load.
# Usage: HERDGATE_BIN_DIR=FOLDER images/build.sh [--tag TAG] [--out FOLDER]
#   --tag   default: the workspace's version      --out   default: images in the cache folder
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${HERDGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/herdgate}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
revision=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
repository=docker.io/herdgate
tag=$version
out=$cache/images

say() { printf 'images: %s\n' "$*"; }
fail() { printf 'images: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
  case $1 in
    --tag) tag=${2:?--tag wants a value}; shift 2 ;;
    --out) out=${2:?--out wants a folder}; shift 2 ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 64 ;;
  esac
done
: "${HERDGATE_BIN_DIR:?must name the folder of the built binaries}"

# lay_out IMAGE PROGRAM…: the programs and the libraries they link to, each under its own path.
lay_out() {
  local tree=$context/$1 program library
  shift
  mkdir -p "$tree/usr/local/bin"
  for program in "$@"; do
    [ -x "$HERDGATE_BIN_DIR/$program" ] || fail "$HERDGATE_BIN_DIR holds no $program"
    # symbols stay, for readable backtraces; line tables go, for they are most of the size
    strip --strip-debug -o "$tree/usr/local/bin/$program" "$HERDGATE_BIN_DIR/$program"
    chmod 0755 "$tree/usr/local/bin/$program"
    for library in $(linked_libraries "$HERDGATE_BIN_DIR/$program"); do
      install -D --mode 0755 "$(readlink -f "$library")" "$tree$library"
    done
  done
}

linked_libraries() {
  local listing
  listing=$(ldd "$1")
  ! grep 'not found' <<<"$listing" >&2 || fail "$1 links to what is not here"
  awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' <<<"$listing"
}

build() { # IMAGE
  local name=$repository/$1:$tag archive=$out/$1.tar
  local arguments=(--target "$1" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --file "$root/Dockerfile" --tag "$name")
  if command -v buildah >/dev/null; then
    # A fixed time: the same binaries make the same image. chroot: nothing runs in these builds, so no more is needed.
    own_buildah build --quiet --timestamp 0 "${arguments[@]}" "$context" >/dev/null
    own_buildah push --quiet "$name" "oci-archive:$archive.new:$name"
    own_buildah rmi "$name" >/dev/null
  elif command -v docker >/dev/null; then
    docker build --quiet "${arguments[@]}" "$context" >/dev/null
    docker save --output "$archive.new" "$name"
  else
    fail "neither buildah nor docker is here: apt-get install buildah"
  fi
  mv "$archive.new" "$archive"
  say "$name in $archive ($(du -h "$archive" | cut -f1))"
}

# A store of our own under the cache: the user's images are not touched.
own_buildah() {
  BUILDAH_ISOLATION=chroot buildah --root "$cache/buildah/root" --runroot "$cache/buildah/run" --storage-driver vfs "$@"
}

mkdir -p "$out"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
lay_out herdgate herdgate herdgate-swarm
lay_out herdgate-operator herdgate-operator
build herdgate
build herdgate-operator
