#!/usr/bin/env bash
# Writes made timelines and annotations in all formats and reads them back with independent readers: tools/exports/run.sh [COUNT]
#
# The readers are Python packages, installed into target/exports-readers at the first run.
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-40}
target=${CARGO_TARGET_DIR:-target}
readers=$target/exports-readers
export SQLX_OFFLINE=true

# Chromium reads WebVTT as players do.
if ! command -v chromium >/dev/null && ((EUID == 0)) && command -v apt-get >/dev/null; then
  echo 'installing chromium, which reads the captions …' >&2
  { apt-get -q -y update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends chromium; } >/dev/null ||
    echo 'chromium cannot be installed: captions are not read back' >&2
fi

if ! cmp -s tools/exports/requirements.txt "$readers/requirements.txt"; then
  rm -rf "$readers"
  python3 -m venv "$readers"
  "$readers/bin/pip" install --quiet --disable-pip-version-check -r tools/exports/requirements.txt
  cp tools/exports/requirements.txt "$readers/requirements.txt"
fi
files=$(mktemp -d "${TMPDIR:-/tmp}/harkback-exports.XXXXXX")
trap 'rm -rf "$files"' EXIT
# The workspace's build of it: the same features, so that nothing is compiled twice.
cargo build --workspace --locked --quiet --example exports
"$target/debug/examples/exports" "$files" "$count"
"$readers/bin/python" tools/exports/read_back.py "$files"
