#!/usr/bin/env bash
# Writes the completions and man pages of the Debian package to target/packaging/shell: packaging/shell_files.sh BINARY
set -euo pipefail
binary=$(realpath -- "${1:?BINARY}")
cd "$(dirname "$0")/.."
out=$PWD/target/packaging/shell

rm -rf "$out"
mkdir -p "$out"
"$binary" completions bash >"$out/harkback.bash"
"$binary" completions zsh >"$out/_harkback"
"$binary" completions fish >"$out/harkback.fish"
"$binary" man --out-dir "$out/man"
