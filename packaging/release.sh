#!/usr/bin/env bash
# Makes the files of a release in target/release-files: packaging/release.sh ARCHITECTURE
#
# The stripped binary, its debug information, a Debian package (cargo-deb), an SBOM (cargo-cyclonedx), licences, checksums.
# Without cargo-deb or cargo-cyclonedx, that file is left out with a message.
set -euo pipefail
cd "$(dirname "$0")/.."
architecture=${1:?ARCHITECTURE}
target=${CARGO_TARGET_DIR:-$PWD/target}

packaging/build.sh

out=$target/release-files
rm -rf "$out"
mkdir -p "$out"
name=harkback-$architecture-linux
objcopy --only-keep-debug --compress-debug-sections "$target/dist/harkback" "$out/$name.debug"
objcopy --strip-all --add-gnu-debuglink="$out/$name.debug" "$target/dist/harkback" "$out/$name"
cp packaging/THIRD_PARTY.md "$out/"
# cargo-deb packages the stripped binary.
cp "$out/$name" "$target/dist/harkback"
if cargo deb --version >/dev/null 2>&1; then
  packaging/shell_files.sh "$target/dist/harkback"
  cargo deb --package harkback --profile dist --no-build --no-strip --output "$out/"
else
  echo 'no Debian package: no cargo-deb' >&2
fi
if cargo cyclonedx --version >/dev/null 2>&1; then
  cargo cyclonedx --quiet --format json --spec-version 1.5 --describe binaries --manifest-path crates/harkback/Cargo.toml
  mv crates/harkback/harkback_bin.cdx.json "$out/harkback-$architecture.cdx.json"
else
  echo 'no SBOM: no cargo-cyclonedx' >&2
fi
(cd "$out" && sha256sum -- * >SHA256SUMS-"$architecture")
ls -l "$out"
