# Programs that only some checks need, from Debian's packages; sourced by the scripts of these checks.

# provide PACKAGE…: installs them where this user may: as root, or through sudo without a password. What cannot be
# installed is left to the caller, which looks for the programs.
provide() {
  local as_root=() log
  (($#)) && command -v apt-get >/dev/null || return 0
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null || return 0
    as_root=(sudo -n)
  fi
  echo "installing $* …" >&2
  log=$(mktemp)
  # Another installation on this machine is waited for.
  local get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
  { { [[ -n ${packages_are_listed-} ]] || "${get[@]}" update; } && "${get[@]}" install --no-install-recommends "$@"; } >"$log" 2>&1 ||
    tail -n 5 "$log" >&2
  packages_are_listed=yes
  rm -f "$log"
}

# python_environment DIRECTORY: a virtual environment there, whole or none. Debian has its installer in a package of its own.
python_environment() {
  [[ -x $1/bin/pip ]] && return
  python3 -c 'import ensurepip, venv' 2>/dev/null || provide python3 python3-venv
  rm -rf "$1"
  if ! python3 -m venv "$1" >/dev/null; then
    rm -rf "$1"
    echo 'Python has no virtual environments here; as root run: apt-get install python3 python3-venv' >&2
    return 1
  fi
}
