#!/usr/bin/env bash
# Records the seeds of the fuzz targets anew. Usage: record.sh FOLDER_OF_BINARIES [SEEDS]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${HERDGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/herdgate}/fuzz/venv
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q paho-mqtt==2.1.0 websockets==15.0.1
fi
exec "$venv/bin/python" -B "$here/record.py" "$@"
