#!/usr/bin/env bash
# Builds the Debian package from an existing binary, and installs, verifies, upgrades and purges it in a Debian 12 chroot:
#   packaging/try_deb.sh BINARY
#
# Needs root, cargo-deb and mmdebstrap. The package remains in target/packaging.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:?BINARY}
work=$PWD/target/packaging
((EUID == 0)) || { echo 'chroot needs root' >&2; exit 2; }
for command in cargo-deb mmdebstrap; do
  command -v "$command" >/dev/null || { echo "no $command (cargo install cargo-deb; apt-get install mmdebstrap)" >&2; exit 2; }
done
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

root=$(mktemp -d "${TMPDIR:-/tmp}/harkback-deb.XXXXXX")
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT

# cargo-deb reads the binary from the target directory.
mkdir -p "$root/target/dist" "$work"
strip -o "$root/target/dist/harkback" "$binary"
packaging/shell_files.sh "$binary"
package=$work/harkback.deb
CARGO_TARGET_DIR=$root/target cargo deb --package harkback --profile dist --no-build --no-strip --fast --output "$package"
rm -rf "$root/target"
dpkg-deb --info "$package"

packaging/debian_base.sh "$work/debian-12.tar"
tar -xf "$work/debian-12.tar" -C "$root"
mount -t proc proc "$root/proc"
cp "$package" "$root/"
# Maintainer scripts start no service in the chroot.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }
in_root apt-get -q -q update
in_root apt-get -q -q -y install --no-install-recommends ca-certificates ffmpeg systemd >/dev/null
# The package's own files; the lists of apt and dpkg also name it.
files() { (cd "$root" && find etc usr/bin usr/lib/systemd usr/share var/lib -path var/lib/apt -prune -o -path '*harkback*' -print | sort); }
[[ -z $(files) ]] || fail 'the bare system has files of harkback'

in_root apt-get -q -q -y install --no-install-recommends /harkback.deb >/dev/null
in_root dpkg --verify harkback
# shellcheck disable=SC2016 # of dpkg-query
[[ $(in_root dpkg-query --show --showformat '${Status}' harkback) == 'install ok installed' ]] || fail 'it is not installed'
[[ $(in_root harkback --version) == harkback\ * ]] || fail 'the program does not start'
for file in bash-completion/completions/harkback zsh/vendor-completions/_harkback fish/vendor_completions.d/harkback.fish \
  man/man1/harkback.1.gz man/man1/harkback-analyze.1.gz; do
  [[ -s $root/usr/share/$file ]] || fail "no usr/share/$file"
done
[[ $(stat -c %a "$root/etc/harkback/environment") == 640 ]] || fail 'anyone may read the settings'
[[ ! -e $root/etc/systemd/system/multi-user.target.wants/harkback.service ]] || fail 'it would start before it has settings'
in_root systemd-analyze verify /usr/lib/systemd/system/harkback.service
in_root systemctl enable --quiet harkback
in_root systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/harkback.service | tail -n 1

# An upgrade keeps settings.
echo 'HARKBACK_AUTH=keys' >>"$root/etc/harkback/environment"
in_root dpkg --install --force-confdef /harkback.deb >/dev/null
grep -q '^HARKBACK_AUTH=keys' "$root/etc/harkback/environment" || fail 'an upgrade changes the settings'

# The state directory of a dynamic user.
mkdir -p "$root/var/lib/private/harkback/blobs"
in_root apt-get -q -q -y purge harkback >/dev/null
left=$(files)
[[ $left == $'var/lib/private/harkback\nvar/lib/private/harkback/blobs' ]] || fail "a purge leaves more than data:
$left"
ls -l "$package"
echo 'The package installs, verifies, upgrades, and a purge leaves the data alone.'
