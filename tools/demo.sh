#!/usr/bin/env bash
# A recording goes in; a semantic timeline, samples, a beat, shots and pictures come out: tools/demo.sh [FILE]  (`make demo FILE=…`)
#
# Builds harkback, starts it with a Postgres of its own under .demo/, talks to it over HTTP, stops it.
# `harkback demo [FILE]` runs this same script, anywhere: it names itself, and nothing is installed or built then.
set -euo pipefail
harkback=${HARKBACK_DEMO_PROGRAM-}
timeline_filter=${HARKBACK_DEMO_TIMELINE-}
is_built=${harkback:+yes}
called_from=$PWD
if [[ -z $is_built ]]; then
  cd "$(dirname "$0")/.."
  timeline_filter=$(<tools/demo_timeline.jq)
fi
# A pulled speech model's name, or the path of one. Without it, the first pulled model is used, and without any the words
# are digits, by the model in the repository.
speech_model=${AUDIO_SEMANTIC_WHISPER_MODEL-}
# Where pulled models are: as the service would look for them.
model_places=()
for place in HARKBACK_MODEL_DIR HARKBACK_DATA_DIR; do
  [[ -z ${!place-} ]] || model_places+=("$place=${!place}")
done
config=${HARKBACK_DEMO_CONFIG-}
# Apart from that the demo is configured by the demo alone.
unset DATABASE_URL "${!HARKBACK_@}" "${!AUDIO_SEMANTIC_@}" VIDEO_TIMELINE_URL
export SQLX_OFFLINE=true

if [[ -t 1 && -z ${NO_COLOR-} ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
number=0
step() { printf '\n%s%2d  %s%s%s\n' "$bold" $((++number)) "$1" "$plain" "${2:+$dim  $2$plain}"; }
told() { sed 's/^./    &/'; }
fail() { printf 'demo: %s\n' "$@" >&2; exit 1; }

# call METHOD PATH [CURL-ARGUMENT…]: prints the JSON of the answer; an error ends the demo with its detail.
call() {
  local method=$1 path=$2 status
  shift 2
  status=$(curl -sS --noproxy '*' -X "$method" -H 'X-Tenant-Id: demo' -H 'X-Env: dev' "$@" \
    -o "$scratch/answer" -w '%{http_code}' "$url$path") || fail "$method $path: no answer" "$(tail -n 5 "$log")"
  ((status < 400)) || fail "$method $path answered $status: $(jq -r '.detail? // .' "$scratch/answer")"
  cat "$scratch/answer"
}
post() { call POST "$1" -H 'Content-Type: application/json' --data "$2"; }

# ---- what the service needs ------------------------------------------------------------------------------

file=${1-}
[[ -z $file || $file == /* ]] || file=$called_from/$file
[[ -z $file || -f $file && -r $file ]] || fail "there is no file $file"
if [[ -z $is_built ]]; then
  tools/bootstrap.sh
  fixtures/make.sh
elif [[ -z $file && ! -f fixtures/media/talk_and_music.mp4 ]]; then
  fail "which recording? harkback demo FILE (audio or video)"
fi
file=${file:-fixtures/media/talk_and_music.mp4}

if [[ -z $is_built ]]; then
  step "Build harkback" "cargo build --release (minutes the first time, seconds later)"
  cargo build --release --locked --quiet --package harkback
  harkback=$(cargo metadata --no-deps --format-version 1 | jq -r .target_directory)/release/harkback
  "$harkback" --version | told
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/harkback-demo.XXXXXX")
data=$PWD/.demo
log=$scratch/service.log
stop() {
  [[ -z ${service-} ]] || { kill -TERM "$service" && wait "$service"; } 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Postgres does not run as root; the user it runs as may not be able to reach this folder.
if ((EUID == 0)) && ! setpriv --reuid=nobody --regid=65534 --clear-groups test -x .; then
  data=$scratch/data
  chmod 755 "$scratch"
fi

free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

url=http://127.0.0.1:$(free_port)
step "Start the service" "harkback serve, signal backend, its own Postgres"
AUDIO_SEMANTIC_BACKEND=signal "$harkback" serve --listen "${url#http://}" --data-dir "$data" >"$log" 2>&1 </dev/null &
service=$!
until curl -sf --noproxy '*' -o /dev/null "$url/readyz"; do
  kill -0 "$service" 2>/dev/null || fail "the service did not start; its log:" "$(cat "$log")"
  sleep 0.1
done
echo "$url is ready; data in ${data#"$PWD/"}/" | told

# ---- a recording goes in ---------------------------------------------------------------------------------

step "Upload the recording" "POST /media-v2/assets"
# curl's own quoting of a file's name in a form.
quoted=${file//\\/\\\\}
quoted=${quoted//\"/\\\"}
asset=$(call POST /media-v2/assets -F "file=@\"$quoted\"")
asset_id=$(jq -r .id <<<"$asset")
jq -r --arg name "${file##*/}" '"\($name): \(.kind), \([
    (.duration_ms // empty | . / 1000 | "\(. * 10 | round / 10) s"),
    (.sample_rate // empty | "\(.) Hz"),
    (.audio_channels // empty | "\(.) channels"),
    .codec_info // empty] | join(", "))\n\(.id)"' <<<"$asset" | told

# ---- a timeline comes out --------------------------------------------------------------------------------

request=$(jq -n --arg id "$asset_id" '{tenant_id: "demo", env: "dev", asset_id: $id}')
analyse() {
  local before=$EPOCHREALTIME answer
  answer=$(post /audio/semantic-timeline/analyze "$request")
  jq --arg s "$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))" '. + {took_ms: ($s | tonumber)}' <<<"$answer"
}

step "Analyse it" "POST /audio/semantic-timeline/analyze"
analysis=$(analyse)
artifact_id=$(jq -r .audio_semantic_artifact_id <<<"$analysis")
jq -r '"in \(.took_ms) ms, cache_hit \(.meta.cache_hit), backend \(.meta.backend_version)
\(.audio_semantic_artifact_id)"' <<<"$analysis" | told

step "The timeline" "GET /audio/semantic-timeline/$artifact_id"
call GET "/audio/semantic-timeline/$artifact_id" >"$scratch/timeline.json"
jq -r "$timeline_filter" "$scratch/timeline.json" | told

# ---- and for a clip --------------------------------------------------------------------------------------

step "Cut a clip from it, on a video timeline" "POST /video/projects … /video/tracks/{id}/clips"
project_id=$(post /video/projects '{"title": "Demo"}' | jq -r .id)
sequence_id=$(post "/video/projects/$project_id/sequences" '{"name": "Main"}' | jq -r .id)
track_id=$(post "/video/sequences/$sequence_id/tracks" '{"kind": "video", "label": "V1"}' | jq -r .id)
clip=$(jq --arg id "$asset_id" '.summary.duration_ms as $duration
  | {asset_id: $id, start_ms_on_timeline: 0, in_ms: ($duration / 5 | floor), out_ms: ($duration * 3 / 5 | ceil)}' \
  "$scratch/timeline.json")
clip_id=$(post "/video/tracks/$track_id/clips" "$clip" | jq -r .id)
jq -r --arg id "$clip_id" '"from \(.in_ms / 1000) s to \(.out_ms / 1000) s of the source\n\($id)"' <<<"$clip" | told

step "The clip's timeline, from the clip's start" "GET /audio/semantic-timeline/by-clip/$clip_id"
call GET "/audio/semantic-timeline/by-clip/$clip_id" | jq -r "$timeline_filter" | told

step "Analyse again: nothing is decoded" "POST /audio/semantic-timeline/analyze"
again=$(analyse)
[[ $(jq -r .audio_semantic_artifact_id <<<"$again") == "$artifact_id" ]] || fail "the second analysis made another artifact"
jq -r '"in \(.took_ms) ms, cache_hit \(.meta.cache_hit), the same artifact"' <<<"$again" | told

# ---- samples, and a pattern of them ------------------------------------------------------------------------

step "Cut samples from it" "POST /audio/field-to-samples"
samples=$(post /audio/field-to-samples "$request")
jq -r '.summary_meta | "\(.hits_count) hits, \(.loops_count) loops, \(.phrases_count) phrases",
  (.errors // {} | to_entries[] | "no \(.key): \(.value.detail)")' <<<"$samples" | told
# The three best hits are the drums.
drums=$(jq '.summary_meta.score_details.hits | to_entries | sort_by(-.value.score, .value.offset_ms)[:3] | map(.key)
  | {kick: .[0], snare: .[1], hat: .[2]} | with_entries(select(.value != null))' <<<"$samples")
kick=$(jq -r '.kick // empty' <<<"$drums")

snippet=
if [[ -z $kick ]]; then
  echo "nothing in it is struck: no pattern, no snippet" | told
else
  step "A beat of its loudest hits" "POST /audio/patterns"
  pattern=$(post /audio/patterns "$(jq '{template_id: "boom_bap_90", sample_map: .}' <<<"$drums")")
  jq -r '"boom_bap_90: \(.clips | length) hits at \(.bpm) bpm, swing \(.swing_pct) %\n\(.pattern_id)"' <<<"$pattern" | told

  step "The shots that show it" "POST /audio/to-video-origin"
  shots=$(post /audio/to-video-origin "$(jq '{pattern_id, alignment: "none"}' <<<"$pattern")")
  jq -r '.shots[:8][] | "at \(.target_start_ms) ms: \(.source_start_ms) to \(.source_end_ms) ms of the source"' <<<"$shots" | told
  jq -r '"… \(.meta.count) in all\n\(.shot_list_artifact_id)"' <<<"$shots" | told

  # ---- and the pictures ------------------------------------------------------------------------------------

  step "The pictures of the loudest one" "POST /origin-snippets/batch"
  batch=$(post /origin-snippets/batch "$(jq -n --arg id "$kick" \
    '{mode: "render_clips", render_profile: "draft_480p_fast", items: [{audio_artifact_id: $id, padding_ms: 500}]}')")
  snippet_id=$(jq -r '.snippets[0].video_artifact_id // empty' <<<"$batch")
  [[ -n $snippet_id ]] || fail "the snippet was not rendered: $(jq -c '.snippets[0].meta.render_error' <<<"$batch")"
  mkdir -p .demo
  call GET "/media-v2/artifacts/$snippet_id/content" >/dev/null
  mv "$scratch/answer" .demo/snippet.mp4
  snippet=.demo/snippet.mp4
  jq -r '.snippets[0] | "\(.source_start_ms) to \(.source_end_ms) ms of the source, \(.meta.render_profile)"' <<<"$batch" | told
  printf '%s\n' "$snippet" | told

  step "Where they come from" "GET /media-v2/artifacts/$snippet_id/lineage?direction=up"
  call GET "/media-v2/artifacts/$snippet_id/lineage?direction=up" | jq -r --arg file "${file##*/}" '
    (.artifacts[] | "\(.kind) \(.id), \(.start_ms) to \(.end_ms) ms of"), "\($file), \(.assets[0].id)"' | told
fi

# ---- words ---------------------------------------------------------------------------------------------

# With the settings that say where models are.
with_models() { env "${model_places[@]}" "$harkback" ${config:+--config "$config"} "$@"; }

spoken=$file
if [[ -z $speech_model ]]; then
  while read -r pulled; do
    if with_models models verify "$pulled" >/dev/null 2>&1; then speech_model=$pulled && break; fi
  done < <(with_models models list | awk '$NF == "here" && $1 != "speakers" {print $1}')
fi
if [[ -z $speech_model ]]; then
  spoken=fixtures/media/digits.wav speech_model=fixtures/models/digits.bin
fi
if [[ -f $spoken ]]; then
  step "Words, offline" "harkback analyze ${spoken##*/} --whisper-model ${speech_model##*/}"
  with_models analyze "$spoken" --json --backend whisper_aubio --fallback error --whisper-model "$speech_model" |
    jq -r '"“\([.events[].transcription // empty] | join(" "))”\nby \(.meta.backend_version)"' | told
else
  step "No words" "harkback models pull tiny, then harkback demo FILE"
fi

step "Stop the service"
kill -TERM "$service"
wait "$service" || fail "the service did not stop cleanly; its log:" "$(tail -n 20 "$log")"
service=
if [[ -n $snippet ]]; then echo "the pictures: $PWD/$snippet"; fi | told
if [[ -d .demo ]]; then echo "stopped, its Postgres too; what it keeps is in .demo/"; else echo "stopped, its Postgres too"; fi | told
