#!/usr/bin/env bash
# What a release consists of, in target/release-files: packaging/release.sh ARCHITECTURE
#
# The program without debug information, that information beside it, a Debian package, and checksums. With cargo-auditable
# the program lists its dependencies, with cargo-deb there is a package; without them that is left out, and said.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true
architecture=${1:?ARCHITECTURE}

cargo=(cargo)
if cargo auditable --version >/dev/null 2>&1; then cargo=(cargo auditable); else echo 'not auditable: no cargo-auditable' >&2; fi
"${cargo[@]}" build --profile dist --locked --workspace --bins

out=target/release-files
rm -rf "$out"
mkdir -p "$out"
name=harkback-$architecture-linux
objcopy --only-keep-debug target/dist/harkback "$out/$name.debug"
objcopy --strip-all --add-gnu-debuglink="$out/$name.debug" target/dist/harkback "$out/$name"
gzip --best --force "$out/$name.debug"
# Of the stripped program.
cp "$out/$name" target/dist/harkback
if cargo deb --version >/dev/null 2>&1; then
  cargo deb --package harkback --profile dist --no-build --no-strip --output "$out/"
else
  echo 'no Debian package: no cargo-deb' >&2
fi
(cd "$out" && sha256sum -- * >SHA256SUMS-"$architecture")
ls -l "$out"
