#!/usr/bin/env bash
# Runs a command beside a service with words, on a database of its own: tools/with-postgres.sh tools/clients/serve.sh
# PROGRAM COMMAND [ARGUMENT…]. The command finds the service's address as BASE.
set -euo pipefail
program=$1
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
data=$(mktemp -d "${TMPDIR:-/tmp}/harkback-clients.XXXXXX")
stop() {
  [[ -z ${service-} ]] || { kill -TERM "$service" && wait "$service"; } 2>/dev/null || true
  rm -rf "$data"
}
trap stop EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export BASE="http://127.0.0.1:$port"
# A proxy is for other hosts.
export NO_PROXY="127.0.0.1${NO_PROXY:+,$NO_PROXY}" no_proxy="127.0.0.1${no_proxy:+,$no_proxy}"
# A webhook of these calls goes to this machine.
DATABASE_URL=$TEST_DATABASE_URL HARKBACK_ALLOW_PRIVATE_ADDRESSES=true HARKBACK_MODEL_DIR="${HARKBACK_MODELS:-$data}" \
  AUDIO_SEMANTIC_BACKEND=whisper_aubio AUDIO_SEMANTIC_WHISPER_MODEL="$here/fixtures/models/digits.bin" \
  "$program" serve --listen "127.0.0.1:$port" --data-dir "$data" >"$data/log" 2>&1 &
service=$!
for ((attempt = 0; ; attempt++)); do
  # Ready, and with all of its programs found.
  ready=$(curl --silent --fail --noproxy '*' "$BASE/readyz" || true)
  [[ -n $ready && $ready != *'being '* ]] && break
  if ((attempt == 600)) || ! kill -0 "$service" 2>/dev/null; then
    cat "$data/log" >&2
    exit 1
  fi
  sleep 0.2
done
status=0
"$@" || status=$?
((status == 0)) || grep -E ' (WARN|ERROR) ' "$data/log" | tail -20 >&2 || true
exit "$status"
