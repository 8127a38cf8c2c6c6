#!/usr/bin/env bash
# Runs a command with a throwaway Postgres: tools/with-postgres.sh COMMAND [ARGUMENT…]
#
# Builds crates/db/examples/with_postgres.rs, which says more, and becomes it. The command runs in the caller's
# directory and gets a superuser's URL (of a unix socket) as TEST_DATABASE_URL.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

# Of the whole workspace, so that dependencies get the features that the tests need: nothing is compiled twice.
program=$(cd "$root" && cargo build --workspace --locked --example with_postgres --message-format=json-render-diagnostics |
  sed -n '/"name":"with_postgres"/s/.*"executable":"\([^"]*\)".*/\1/p')
exec "$program" "$@"
