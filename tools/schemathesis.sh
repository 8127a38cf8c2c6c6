#!/usr/bin/env bash
# Tries the OpenAPI document on a service that this script starts: make schemathesis (EXAMPLES=10). All checks, all phases.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/debug/harkback}
work=$PWD/target/clients
[[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement tools/clients/requirements.txt
run() {
  local assets=$BASE/media-v2/assets
  # What there is to ask for: a film and speech.
  for file in talk_and_music.mp4 digits.wav; do
    curl --silent --fail --noproxy '*' -H 'X-Tenant-Id: t1' -H 'X-Env: dev' -F "file=@fixtures/media/$file" "$assets" >/dev/null
  done
  # It keeps what it found in the current directory.
  local settings=$PWD/tools/clients/schemathesis.toml
  export SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH=$PWD/tools/clients
  cd "$work"
  venv/bin/schemathesis --config-file "$settings" run "$BASE/openapi.json" \
    --checks all --mode all --phases examples,coverage,fuzzing,stateful --max-examples "${EXAMPLES:-10}" --seed "${SEED:-1}" --no-color
}
if [[ ${1-} == --run ]]; then
  run
else
  tools/with-postgres.sh tools/clients/serve.sh "$program" tools/schemathesis.sh --run
fi
