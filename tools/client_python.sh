#!/usr/bin/env bash
# Tests the Python client of clients/python against a service: make client-python
#
# With UPDATE_MODELS=1 it writes the types of the OpenAPI document first. Needs the registry of Python.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh
program=$(realpath "${1:-target/debug/harkback}")
venv=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}/client-python")

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || provide python3 python3-venv ca-certificates
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || ! python_environment "$venv"; then
  echo 'THE PYTHON CLIENT IS NOT TESTED: it needs Python 3.11 with venv. As root run: apt-get install python3 python3-venv' >&2
  exit 0
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --retries 5 --editable 'clients/python[test]' || {
  echo 'The first run needs the registry of Python, https://pypi.org' >&2
  exit 1
}
# The generator calls the formatter.
PATH=$venv/bin:$PATH
export HARKBACK_PROGRAM=$program PYTHONDONTWRITEBYTECODE=1 MYPY_CACHE_DIR=$venv/mypy RUFF_CACHE_DIR=$venv/ruff
cd clients/python
if [[ -n ${UPDATE_MODELS-} ]]; then
  "$program" openapi >"$venv/openapi.json"
  python generate.py "$venv/openapi.json" src/harkback/models.py
fi
ruff format --check .
mypy --strict src tests generate.py
# A test that hangs is a failure, too.
../../tools/with-postgres.sh ../../tools/clients/serve.sh "$program" \
  timeout --kill-after=20 600 python -m pytest --quiet -p no:cacheprovider tests
