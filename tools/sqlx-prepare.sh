#!/usr/bin/env bash
# Writes .sqlx again: what Postgres says of every query, so that the workspace builds without a database.
# Run it after a change of a query or a migration, and commit what it writes (`make sqlx-prepare`).
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${TEST_DATABASE_URL-} ]]; then
  tools/bootstrap.sh
  exec tools/with-postgres.sh "$0"
fi
for migration in migrations/*.sql; do
  psql "$TEST_DATABASE_URL" --quiet --set ON_ERROR_STOP=1 --single-transaction --file "$migration"
done
written=target/sqlx
rm -rf "$written"
mkdir -p "$written"
# The macros ask the database only where a crate is compiled anew.
grep -rlE 'query(_as|_scalar)?!' crates/*/src | xargs touch
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$PWD/$written" DATABASE_URL="$TEST_DATABASE_URL" cargo check --workspace
rm -rf .sqlx
mv "$written" .sqlx
git status --short .sqlx
