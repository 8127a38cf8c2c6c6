#!/usr/bin/env bash
# Walks through the page in Chromium on two services, one of them with API keys: tools/with-postgres.sh tools/page/run.sh
# PROGRAM [NAME…]. Names select tests; `bench` alone measures frame times and heap on three hours of audio instead.
set -euo pipefail
program=$1
shift
here=$(cd "$(dirname "$0")/../.." && pwd)

if ! command -v chromium >/dev/null && ((EUID == 0)) && command -v apt-get >/dev/null; then
  echo 'installing chromium, which runs the page …' >&2
  { apt-get -q -y update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends chromium; } >/dev/null || true
fi
for tool in chromium node npm; do
  command -v "$tool" >/dev/null || { echo "the page is not tested: no $tool" >&2; exit 0; }
done
modules=${CARGO_TARGET_DIR:-$here/target}/page
if ! cmp -s "$here/tools/page/package-lock.json" "$modules/package-lock.json"; then
  mkdir -p "$modules"
  cp "$here/tools/page/"package*.json "$modules/"
  npm ci --silent --no-audit --no-fund --prefix "$modules"
fi
# Modules are searched for beside the file that imports them.
cp "$here/tools/page/"*.mjs "$modules/"
node "$modules/texts.mjs" "$here/crates/page/web"

data=$(mktemp -d "${TMPDIR:-/tmp}/harkback-page.XXXXXX")
services=()
stop() {
  for service in "${services[@]}"; do kill -TERM "$service" && wait "$service" || true; done 2>/dev/null
  rm -rf "$data"
}
trap stop EXIT
export DATABASE_URL=$TEST_DATABASE_URL AUDIO_SEMANTIC_BACKEND=whisper_aubio
export AUDIO_SEMANTIC_WHISPER_MODEL="$here/fixtures/models/digits.bin"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
serve() { # serve PORT FLAG…
  local port=$1 attempt
  shift
  "$program" serve --listen "127.0.0.1:$port" --data-dir "$data/files" "$@" >"$data/log-$port" 2>&1 &
  services+=($!)
  for ((attempt = 0; attempt < 300; attempt++)); do
    curl --silent --fail --noproxy '*' "http://127.0.0.1:$port/readyz" | grep -qv 'being ' && return
    sleep 0.2
  done
  cat "$data/log-$port" >&2
  exit 1
}
open=$(free_port)
if [[ ${1-} == bench ]]; then
  export AUDIO_SEMANTIC_BACKEND=signal BASE="http://127.0.0.1:$open"
  serve "$open"
  ffmpeg -nostdin -v error -stream_loop -1 -i "$here/fixtures/media/talk_and_music.mp4" -vn -t 10800 -c:a libmp3lame -b:a 128k "$data/3h.mp3"
  asset=$("$program" upload "$data/3h.mp3" --url "$BASE" --tenant bench --env test | cut -d ' ' -f 1)
  for path in /audio/semantic-timeline/analyze /audio/field-to-samples; do
    body='{"asset_id": "'$asset'"}'
    [[ $path != *samples ]] || body='{"asset_id": "'$asset'", "run_phrases": false}'
    curl --silent --show-error --fail --noproxy '*' -H 'X-Tenant-Id: bench' -H 'X-Env: test' -H 'Content-Type: application/json' \
      -d "$body" "$BASE$path" >/dev/null
  done
  node "$modules/bench.mjs" "$asset" bench
  exit
fi
serve "$open"
locked=$(free_port)
serve "$locked" --auth keys
BASE="http://127.0.0.1:$open" BASE_WITH_KEYS="http://127.0.0.1:$locked" KEY=$("$program" keys create --tenant page-keys --env test --scope write) \
  node "$modules/walk.mjs" "$here/fixtures/media" "$@"
