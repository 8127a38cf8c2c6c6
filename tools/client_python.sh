#!/usr/bin/env bash
# Tests the Python client of clients/python against a service: make client-python
#
# With UPDATE_MODELS=1 it writes the types of the OpenAPI document first. Needs the registry of Python.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/debug/harkback}")
venv=$PWD/target/client-python
[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --editable 'clients/python[test]'
# The generator calls the formatter.
PATH=$venv/bin:$PATH
export HARKBACK_PROGRAM=$program PYTHONDONTWRITEBYTECODE=1
cd clients/python
if [[ -n ${UPDATE_MODELS-} ]]; then
  "$program" openapi >"$venv/openapi.json"
  python generate.py "$venv/openapi.json" src/harkback/models.py
fi
ruff format --check .
mypy --strict src tests generate.py
../../tools/with-postgres.sh ../../tools/clients/serve.sh "$program" python -m pytest --quiet -p no:cacheprovider tests
