#!/usr/bin/env bash
# Runs a command beside a throwaway Postgres: tools/with-postgres.sh COMMAND [ARGUMENT…]
#
# The command finds it as TEST_DATABASE_URL (a superuser's, on a unix socket). However the command or
# this script ends, the server stops and its directory goes. Started as root, the server belongs to
# `postgres`, else `nobody`: Postgres refuses to run as root.
set -euo pipefail

# Debian keeps the programs of each version apart; the newest is the one.
server_programs() {
  local directory
  for directory in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr) /usr/local/pgsql/bin /usr/local/bin /usr/bin; do
    [[ -x $directory/initdb && -x $directory/postgres ]] && { echo "$directory"; return; }
  done
  echo "no Postgres server on this machine: tools/bootstrap.sh installs one" >&2
  return 1
}

# Ends the process groups of the command and of the server, in that order, and waits for them.
# shellcheck disable=SC2317 # called by the trap
stop() {
  trap '' INT TERM HUP
  [[ -z ${command-} ]] || { kill -TERM -- "-$command" && wait "$command"; } 2>/dev/null || true
  # SIGINT: Postgres' fast shutdown.
  [[ -z ${server-} ]] || { kill -INT "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$directory"
}

programs=$(server_programs)
# Not under TMPDIR: the path of a unix socket is short.
directory=$(mktemp -d /tmp/harkback-postgres.XXXXXX)
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

as_owner=()
if ((EUID == 0)); then
  owner=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
  chown "$owner" "$directory"
  as_owner=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups)
fi

cd "$directory"
"${as_owner[@]}" "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C \
  --no-sync --no-instructions >initdb.log || { cat initdb.log >&2; exit 1; }
# Job control gives each its own process group: a Ctrl-C reaches this script alone, which ends both in order.
set -m
# Should this script be killed outright, the kernel shuts the server down.
setpriv --pdeathsig INT "${as_owner[@]:1}" "$programs/postgres" -D data -k "$directory" -c listen_addresses= \
  -c max_connections=300 -c fsync=off -c synchronous_commit=off -c full_page_writes=off >server.log 2>&1 &
server=$!
for ((attempt = 0; ; attempt++)); do
  "$programs/pg_isready" --quiet --host="$directory" && break
  if ((attempt == 300)) || ! kill -0 "$server" 2>/dev/null; then
    cat server.log >&2
    exit 1
  fi
  sleep 0.1
done
cd "$OLDPWD"

export TEST_DATABASE_URL="postgres://postgres@${directory//\//%2F}/postgres"
"$@" </dev/null &
command=$!
status=0
wait "$command" || status=$?
command=
exit "$status"
