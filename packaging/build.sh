#!/usr/bin/env bash
# Compiles the binary of a release, with debug information: target/dist/harkback
#
# cargo-auditable, if installed, embeds the list of dependencies (`cargo audit bin`). lld, if installed, merges functions of
# identical machine code, which instances of generic code often are.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

cargo=(cargo)
if cargo auditable --version >/dev/null 2>&1; then cargo=(cargo auditable); else echo 'not auditable: no cargo-auditable' >&2; fi
fold=()
if command -v ld.lld >/dev/null; then
  fold=(-C link-arg=-fuse-ld=lld -C 'link-arg=-Wl,--icf=all')
else
  echo 'identical functions are not merged: no lld' >&2
fi
"${cargo[@]}" rustc --profile dist --locked --package harkback --bin harkback -- "${fold[@]}"
