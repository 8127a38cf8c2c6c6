#!/usr/bin/env bash
# Builds the image from an existing binary and runs it, without a container engine or a registry:
#   packaging/try_image.sh BINARY
#
# buildah (chroot isolation) builds the stage `prebuilt` on a base from mmdebstrap. The service runs as the image's user, in
# a network namespace and on a throwaway Postgres: health check, API key, upload, analysis, SIGTERM. Needs root. The stage
# that compiles is not built.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:?BINARY}
recording=$PWD/fixtures/media/digits.wav
work=$PWD/target/packaging
for command in buildah jq curl ip unshare; do
  command -v "$command" >/dev/null || { echo "no $command: apt-get install buildah jq curl iproute2" >&2; exit 2; }
done

image() { buildah --root "$work/images" --runroot "$work/run" --storage-driver vfs "$@"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; [[ ! -s ${log-} ]] || tail -n 20 "$log" >&2; exit 1; }

# inside CONTAINER: starts the service and calls it.
inside() {
  local container=$1 configuration service key asset analysis process status=0 log
  ip link set lo up
  log=$(mktemp)
  # Only its owner can enter the directory of the socket; the image's user is another.
  local socket=${TEST_DATABASE_URL#*@}
  socket=${socket%/*}
  socket=${socket//%2F//}
  chmod 711 "$socket"
  local run=(image run --isolation chroot --volume "$socket:$socket" --env "DATABASE_URL=$TEST_DATABASE_URL"
    --env HARKBACK_AUTH=keys --env AUDIO_SEMANTIC_BACKEND=signal "$container" --)

  configuration=$(image inspect "$container" | jq .Docker.config)
  local start check
  readarray -t start < <(jq -r '(.Entrypoint + .Cmd)[]' <<<"$configuration")
  check=$(jq -r '.Healthcheck.Test | select(.[0] == "CMD-SHELL") | .[1]' <<<"$configuration")
  [[ $check ]] || fail 'the image has no health check'

  ! "${run[@]}" sh -c "$check" >/dev/null 2>&1 || fail 'the health check passes although nothing runs'
  [[ $("${run[@]}" id -un) == harkback ]] || fail 'it does not run as harkback'
  "${run[@]}" "${start[@]}" >"$log" 2>&1 &
  service=$!
  for ((attempt = 0; ; attempt++)); do
    curl -fsS http://127.0.0.1:8090/healthz >/dev/null 2>&1 && break
    if ((attempt == 300)) || ! kill -0 "$service" 2>/dev/null; then fail 'it does not become healthy'; fi
    sleep 0.1
  done
  "${run[@]}" sh -c "$check" >/dev/null || fail 'the health check fails'
  [[ $(curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:8090/media-v2/assets) == 401 ]] || fail 'no key, no 401'

  key=$("${run[@]}" harkback keys create --tenant me --env dev | grep -o 'hb_[^ ]*')
  call() { curl -sS --fail-with-body -H "Authorization: Bearer $key" "http://127.0.0.1:8090$1" "${@:2}"; }
  asset=$(call /media-v2/assets -F "file=@$recording" | jq -er .id) || fail 'the upload fails'
  analysis=$(call /audio/semantic-timeline/analyze --json "{\"asset_id\": \"$asset\"}") || fail "no analysis: $analysis"
  analysis=$(call "/audio/semantic-timeline/$(jq -r .audio_semantic_artifact_id <<<"$analysis")")
  jq -e '.summary.events | length > 0' <<<"$analysis" >/dev/null || fail "no events: $analysis"

  # To the service itself, as a container engine sends it; buildah waits for the exit.
  process=$(ps -e -o pid=,comm= | awk '$2 == "harkback" {print $1; exit}')
  kill -TERM "$process"
  wait "$service" || status=$?
  ((status == 0)) || fail "exit status $status"
  rm -f "$log"
  echo 'The image runs: healthy, refuses callers without a key, analyses an upload, stops with 0.'
}

if [[ ${2-} == --inside ]]; then
  inside "$3"
  exit
fi

((EUID == 0)) || { echo 'chroot isolation needs root' >&2; exit 2; }
[[ -s $recording ]] || { echo 'no fixtures: make fixtures' >&2; exit 2; }
packaging/debian_base.sh "$work/debian-12.tar"
context=$(mktemp -d "${TMPDIR:-/tmp}/harkback-image.XXXXXX")
# Without a shared storage driver each layer is a copy: nothing of it stays.
trap 'rm -rf "$context"; image rm --all >/dev/null; image rmi --all --force >/dev/null' EXIT
strip -o "$context/harkback" "$binary"

base=$(image from scratch)
image add --quiet "$base" "$work/debian-12.tar" / >/dev/null
image commit --quiet --rm "$base" localhost/debian-12 >/dev/null
# The OCI format has no health check; Docker's has.
image build --quiet --isolation chroot --format docker --file packaging/Dockerfile --target prebuilt \
  --build-arg DEBIAN=localhost/debian-12 --build-arg RUST=localhost/debian-12 --tag localhost/harkback "$context"
container=$(image from localhost/harkback)
image images --format '{{.Name}} {{.Size}}'
# In its own namespaces the port is free, and ps lists only this service.
tools/with-postgres.sh unshare --net --pid --fork --mount-proc "$0" "$binary" --inside "$container"
