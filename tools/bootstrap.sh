#!/usr/bin/env bash
# Installs what building, testing and running harkback needs and this machine lacks (Debian, Ubuntu).
#
#   tools/bootstrap.sh           install what is missing; nothing missing: says nothing, touches nothing
#   tools/bootstrap.sh --check   only say what is missing; exit 1 if anything is
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

has_postgres_server() {
  local directory
  for directory in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /usr/local/bin /usr/bin; do
    [[ -x $directory/initdb && -x $directory/postgres ]] && return
  done
  return 1
}

# The Debian packages whose work nothing on this machine does. Looked up by program, not by dpkg: what
# came another way is as good.
missing_packages() {
  { has cc && has c++ && has make; } || echo build-essential
  has cmake || echo cmake
  has pkg-config || echo pkg-config
  has pkg-config && pkg-config --exists openssl || echo libssl-dev
  has_postgres_server || echo postgresql
  { has ffmpeg && has ffprobe; } || echo ffmpeg
  has espeak-ng || echo espeak-ng
  has curl || echo curl
  has jq || echo jq
}

# quietly COMMAND…: what it prints is shown only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || die "$output" "failed: $*"
}

# install_packages [sudo …]: as root, or through the command given.
install_packages() {
  local as_root=("$@") get
  say "installing ${missing[*]} …"
  get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
  quietly "${get[@]}" update
  # Debian makes and starts a cluster of its own with the server; ours are private, so it is told not to.
  if [[ " ${missing[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    quietly "${get[@]}" install --no-install-recommends postgresql-common
    quietly "${as_root[@]}" sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' \
      /etc/postgresql-common/createcluster.conf
  fi
  quietly "${get[@]}" install --no-install-recommends "${missing[@]}"
}

# What .cargo/config.toml builds for; without it not even the build's own programs would run.
check_processor() {
  [[ $(uname -m) != x86_64 || ! -e /proc/cpuinfo ]] || grep -qw avx2 /proc/cpuinfo ||
    die "This processor has no AVX2 (most since 2013 have it): harkback neither builds nor runs here."
}

check_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  local remedy="Rust $wanted or newer is needed (cargo, rustfmt, clippy):
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env
or, with rustup there already:
  rustup update stable"
  has cargo || die "cargo is not on the PATH. $remedy"
  found=$(rustc --version | cut -d ' ' -f 2)
  [[ $(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1) == "$wanted" ]] || die "Rust $found is too old. $remedy"
}

check_processor
readarray -t missing < <(missing_packages)
if ((${#missing[@]})); then
  [[ ${1-} != --check ]] || die "missing: ${missing[*]}"
  has apt-get || die "missing, by their Debian names: ${missing[*]}" \
    "This is no Debian or Ubuntu: install them with this system's package manager, then run this again."
  if ((EUID == 0)); then
    install_packages
  elif has sudo && sudo -n true 2>/dev/null; then
    install_packages sudo -n
  else
    die "missing: ${missing[*]}" "Installing needs root. As root, or through sudo, run:" "  apt-get update && apt-get install -y ${missing[*]}"
  fi
fi
check_rust
