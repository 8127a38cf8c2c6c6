#!/usr/bin/env bash
# How fast whole signal analysis is, and in how much memory, how fast shot lists and renders are, and the latency of
# what players ask for: `make bench`; the latency alone: `make bench-latency`, or `tools/bench.sh latency`.
#
# Recordings: the fixture talk_and_music repeated to 11 minutes and to 3 hours of MP3 (44.1 kHz stereo, 128 kb/s).
# Figures: wall time, times real time, multiples of ffmpeg's time to decode the same file on one thread, and the peak
# of resident memory. Beside them librosa, where Python has it. The machine should have nothing else to do.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

fixtures/make.sh
media=fixtures/media
scratch=$(mktemp -d "${TMPDIR:-/tmp}/harkback-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

[[ -e $media/bench_11min.mp3 ]] || {
  ffmpeg -nostdin -v error -stream_loop -1 -i "$media/talk_and_music.mp4" -vn -t 660 -c:a libmp3lame -b:a 128k \
    "$scratch/11min.mp3"
  mv "$scratch/11min.mp3" "$media/bench_11min.mp3"
}

[[ -e $media/bench_3h.mp3 ]] || {
  ffmpeg -nostdin -v error -stream_loop -1 -i "$media/bench_11min.mp3" -t 10800 -c copy "$scratch/3h.mp3"
  mv "$scratch/3h.mp3" "$media/bench_3h.mp3"
}

# Postgres and the generator of requests run on the same machine.
latency() {
  printf '\nLatency at a fixed rate\n\n'
  cargo build --release --locked --quiet --package e2e --example latency
  tools/with-postgres.sh "${harkback%/*}/examples/latency" "$harkback" "$media/bench_11min.mp3" \
    "$media/bench_3h.mp3"
}

cargo build --release --locked --quiet --package harkback
harkback=$(cargo metadata --no-deps --format-version 1 | jq -r .target_directory)/release/harkback
if [[ ${1:-} == latency ]]; then
  latency
  exit
fi

# measure COMMAND…: sets took_ms and peak_kb (the kernel's own high-water mark, read until the process ends).
measure() {
  local before=${EPOCHREALTIME/./} process mark
  "$@" </dev/null >/dev/null 2>"$scratch/errors" &
  process=$!
  peak_kb=0
  while mark=$(awk '/^VmHWM/ {print $2}' "/proc/$process/status" 2>/dev/null) && [[ -n $mark ]]; do
    peak_kb=$mark
    sleep 0.02
  done
  wait "$process" || { cat "$scratch/errors" >&2; exit 1; }
  took_ms=$(((${EPOCHREALTIME/./} - before) / 1000))
}

row() { # row LENGTH-S WHAT COMMAND…
  local length_s=$1 what=$2
  measure "${@:3}"
  awk -v what="$what" -v s="$length_s" -v ms="$took_ms" -v kb="$peak_kb" -v decode="${decode_ms:-$took_ms}" 'BEGIN {
    printf "  %-40s %8.2f s %8.0f × real time %7.1f × ffmpeg %7.0f MB\n",
      what, ms / 1000, s * 1000 / ms, ms / decode, kb / 1024
  }'
}

# The short one last: what follows is measured against its decoding.
for recording in '10800 bench_3h.mp3' '660 bench_11min.mp3'; do
  read -r length_s name <<<"$recording"
  printf '\n%s (%d s)\n' "$name" "$length_s"
  decode_ms=
  row "$length_s" 'ffmpeg decode, 1 thread' ffmpeg -nostdin -v error -threads 1 -i "$media/$name" -f null -
  decode_ms=$took_ms
  analyze=("$harkback" analyze "$media/$name" --backend signal --json --threads)
  row "$length_s" 'analysis, 1 thread' "${analyze[@]}" 1
  row "$length_s" "analysis, $(nproc) threads" "${analyze[@]}" "$(nproc)"
  [[ $name == bench_11min.mp3 ]] || continue
  if python3 -c 'import librosa' 2>"$scratch/errors"; then
    row "$length_s" 'librosa: load, split, beat_track' python3 tools/librosa_usual.py "$media/$name"
  else
    echo '  librosa: skipped, python3 does not have it (pip install librosa)'
  fi
done

printf '\nStages alone, 1 thread\n'
cargo run --release --locked --quiet --package audio_signal --example stages

printf '\nSamples: hits and loops of 11 minutes, found, cut and written\n'
cargo build --release --locked --quiet --package audio_field_to_samples --example samples_bench
mkdir "$scratch/samples"
row 660 'field to samples' "${harkback%/*}/examples/samples_bench" "$media/bench_11min.mp3" "$scratch/samples"

# Digits without a pause between them.
[[ -e $media/bench_40min_speech.wav ]] || {
  ffmpeg -nostdin -v error -stream_loop -1 -i "$media/digits.wav" -t 2400 \
    -af silenceremove=stop_periods=-1:stop_duration=0.02:stop_threshold=-40dB "$scratch/speech.wav"
  mv "$scratch/speech.wav" "$media/bench_40min_speech.wav"
}
words=("$harkback" analyze --json --backend whisper_aubio --fallback error --whisper-model fixtures/models/digits.bin)
printf '\nWords: 40 minutes of digits without a pause\n'
measure "${words[@]}" "$media/bench_40min_speech.wav"
printf '  words, %d threads: %d s, %d MB\n' "$(nproc)" $((took_ms / 1000)) $((peak_kb / 1024))

for programme in "${HARKBACK_CORPUS:-../shared/corpus}"/programme/*.flac; do
  [[ -e $programme ]] || { printf '\nskipped: corpus absent, so is what of its programmes the model hears\n'; break; }
  "${words[@]}" "$programme" | jq -r --arg name "${programme##*/}" \
    '"  \($name): the model hears \(.meta.analysis.transcription.heard_ms * 100 / .duration_ms | round) % of it"'
done

printf '\nOrigin snippets, timeline_only batches in one process\n'
tools/with-postgres.sh cargo run --release --locked --quiet --package origin_snippets --example batches

printf '\nRenders beside plain ffmpeg with the same encoders\n'
tools/with-postgres.sh cargo run --release --locked --quiet --package video_render --example render_bench

printf '\nFilms beside plain ffmpeg with the same list and encoder\n'
tools/with-postgres.sh cargo run --release --locked --quiet --package video_render --example film_bench

printf '\nShot lists\n'
cargo build --release --locked --quiet --package audio_to_video_origin --example shot_list
tools/with-postgres.sh cargo run --release --locked --quiet --package audio_to_video_origin --example shot_list

# The last one: it fails when an aim is missed.
latency
