#!/usr/bin/env bash
# Makes the driver of a client library ready and prints, as its last line, the command that starts it, words separated by
# tabs. Usage: clients.sh LIBRARY|all
# What is fetched and built stays in the user's cache, in a folder named by a hash of what it is made of.
set -euo pipefail
library=${1:?usage: clients.sh LIBRARY|all}
drivers=$(cd "$(dirname "$0")/../tests/clients" && pwd)
cache=${HERDGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/herdgate}/tests/clients
every=(paho-python mqttjs hivemq paho-java-v3 paho-java-v5 rumqttc mosquitto)

say() { printf 'clients: %s\n' "$*" >&2; }
command_line() { local IFS=$'\t'; printf '%s\n' "$*"; }
require() { # command package
  command -v "$1" >/dev/null || { say "command $1 is missing (Debian package $2)"; exit 69; }
}

build() { # source-folder builder: sets $folder, where `builder` has been run once over a copy of the sources
  local source=$drivers/$1 builder=$2 hash
  hash=$(cd "$source" && find . -type f -not -path './node_modules/*' -not -path './target/*' -print0 \
    | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
  folder=$cache/$1-$hash
  [ ! -e "$folder/.complete" ] || return 0
  mkdir -p "$cache"
  # two runs may meet
  exec 9>"$cache/$1.lock"
  flock 9
  [ ! -e "$folder/.complete" ] || return 0
  say "building the driver $1 in $folder"
  rm -rf "$folder"
  cp -r "$source" "$folder"
  (cd "$folder" && "$builder") >&2
  echo >&2
  touch "$folder/.complete"
  flock -u 9
}

build_python() {
  python3 -m venv venv
  venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
}
build_node() { npm ci --silent --no-audit --no-fund; }
build_java() { mvn --quiet --batch-mode -Dstyle.color=never compile dependency:copy-dependencies -DoutputDirectory=target/libraries; }
# its own target folder, which a new version of the sources finds warm
build_rust() {
  CARGO_TARGET_DIR=$cache/rumqttc-target cargo build --quiet --locked
  cp "$cache/rumqttc-target/debug/rumqttc-driver" .
}

driver() {
  case $1 in
    paho-python)
      require python3 "python3 python3-venv"
      build paho build_python
      command_line "$folder/venv/bin/python" -B "$folder/driver.py" ;;
    mqttjs)
      require node nodejs; require npm npm
      build mqttjs build_node
      command_line node "$folder/driver.js" ;;
    hivemq | paho-java-v3 | paho-java-v5)
      require javac default-jdk-headless; require mvn maven
      build java build_java
      # a heap as small as the driver, and no optimising compiler for a run of seconds
      command_line java -Xmx256m -XX:TieredStopAtLevel=1 -cp "$folder/target/classes:$folder/target/libraries/*" \
        clients.Main "$1" ;;
    rumqttc)
      build rumqttc build_rust
      command_line "$folder/rumqttc-driver" ;;
    mosquitto)
      require mosquitto_pub mosquitto-clients; require mosquitto_sub mosquitto-clients; require python3 python3
      command_line python3 -B "$drivers/mosquitto/driver.py" ;;
    *) say "'$1' must be all or one of: ${every[*]}"; exit 64 ;;
  esac
}

# one that cannot be had is the test's to judge: a skip, or with CI=true a failure
if [ "$library" = all ]; then
  for each in "${every[@]}"; do (driver "$each") >/dev/null || say "no driver for $each"; done
else
  driver "$library"
fi
