#!/usr/bin/env bash
# Compiles the binary of a release, with line tables: packaging/build.sh [ARGUMENT-OF-CARGO-BUILD…]
#
# It is dist/harkback in the target directory. cargo-auditable, if installed, embeds the list of dependencies (`cargo audit bin`).
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

cargo=(cargo)
if cargo auditable --version >/dev/null 2>&1; then cargo=(cargo auditable); else echo 'not auditable: no cargo-auditable' >&2; fi
"${cargo[@]}" build --profile dist --locked --package harkback "$@"
