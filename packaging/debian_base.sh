#!/usr/bin/env bash
# Makes a minimal Debian 12 as a tar archive, unless it exists: packaging/debian_base.sh FILE
#
# On Debian 12 it uses the machine's own apt sources, mirrors included.
set -euo pipefail
file=${1:?FILE}
[[ ! -s $file ]] || exit 0
command -v mmdebstrap >/dev/null || { echo 'no mmdebstrap: apt-get install mmdebstrap' >&2; exit 2; }

sources=()
if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  for source in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    [[ ! -s $source ]] || sources+=("$source")
  done
fi
mkdir -p "$(dirname "$file")"
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$file.part" "${sources[@]}"
mv "$file.part" "$file"
