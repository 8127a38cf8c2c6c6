#!/usr/bin/env bash
# Scores harkback and other programs on the corpus. Their environments stay in target/peers (3 GB).
set -euo pipefail
cd "$(dirname "$0")/../.."

corpus=${HARKBACK_CORPUS:-../shared/corpus}
test -d "$corpus" || { echo 'the corpus is absent: set HARKBACK_CORPUS to its directory'; exit 2; }
target=${CARGO_TARGET_DIR:-target}
peers=$target/peers
for name in rhythm scenes; do
  test -e "$peers/$name/ready" && continue
  python3 -m venv --clear "$peers/$name" || { echo 'python3 -m venv does not work: apt install python3-venv'; exit 2; }
  "$peers/$name/bin/pip" install --quiet --requirement "tools/peers/$name.txt"
  touch "$peers/$name/ready"
done
# It asks for another package of TensorFlow than the one of scenes.txt.
"$peers/scenes/bin/pip" install --quiet --no-deps inaSpeechSegmenter==0.6.8

cargo build --release --locked --quiet --package audio_signal --example timeline
"$target/release/examples/timeline" --json \
  "$corpus"/{beats,beats_closed,drums,singing,sounds,programme}/*.flac >"$peers/found.jsonl"
"$peers/rhythm/bin/python" -W ignore tools/peers/rhythm.py "$corpus" "$peers/found.jsonl"
TF_CPP_MIN_LOG_LEVEL=3 "$peers/scenes/bin/python" -W ignore tools/peers/scenes.py "$corpus" "$peers/found.jsonl" 2>"$peers/log"
