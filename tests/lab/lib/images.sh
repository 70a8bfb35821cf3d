# Images: two of the lab's own, and whatever `load` is given.

LAB_IMAGES=$BIN/images

# A store of its own under the cache: the user's images are not touched. chroot isolation needs no further rights.
lab_buildah() {
  local store=$CACHE/buildah
  BUILDAH_ISOLATION=chroot buildah --root "$store/root" --runroot "$store/run" --storage-driver vfs "$@"
}

# build_lab_image NAME PROGRAM: the program alone, as the image's entry point
build_lab_image() {
  local archive=$LAB_IMAGES/$1.tar context
  [ ! -e "$archive" ] || return 0
  context=$(mktemp -d)
  ln "$2" "$context/program" 2>/dev/null || cp "$2" "$context/program"
  printf 'FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n' > "$context/Dockerfile"
  lab_buildah build --quiet --tag "docker.io/lab/$1:1" "$context" >/dev/null
  mkdir -p "$LAB_IMAGES"
  lab_buildah push --quiet "docker.io/lab/$1:1" "oci-archive:$archive.new:docker.io/lab/$1:1"
  mv "$archive.new" "$archive"
  lab_buildah rmi "docker.io/lab/$1:1" >/dev/null
  rm -rf "$context"
}

build_lab_images() {
  build_lab_image pause "$BIN/pause"
  build_lab_image coredns "$BIN/coredns"
}

load_images() {
  local archive
  [ $# -gt 0 ] || fail "load wants the path of an image archive"
  for archive in "$@"; do
    [ -r "$archive" ] || fail "cannot read $archive"
    ctr --address "$RUN/containerd.sock" --namespace k8s.io images import "$archive" >/dev/null
    say "loaded $(basename "$archive")"
  done
}
