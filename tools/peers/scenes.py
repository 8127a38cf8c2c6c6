"""Speech, music, silence and other sounds by harkback and by inaSpeechSegmenter 0.6.8 on the corpus.

    python3 tools/peers/scenes.py CORPUS FOUND.jsonl

FOUND.jsonl is what `cargo run --release -p audio_signal --example timeline -- --json RECORDING…` printed. Frames of 10 ms;
those within 100 ms of a true boundary are not scored. Needs scenes.txt and ffmpeg; `make quality-peers` installs it.
"""

import argparse
import contextlib
import json
import pathlib
import sys

import numpy as np

# The program is of a time when numpy had these names, and stacked generators.
for name, kind in (("int", int), ("float", float), ("bool", bool)):
    if name not in np.__dict__:
        setattr(np, name, kind)
stack = np.vstack
np.vstack = lambda arrays: stack(list(arrays))
from inaSpeechSegmenter import Segmenter  # noqa: E402

STEP, COLLAR = 0.01, 0.1
KINDS = ["speech", "music", "silence", "other"]
LABELS = {"speech": "speech", "male": "speech", "female": "speech", "music": "music", "noise": "other", "noEnergy": "silence"}
SONGS = ["beats", "beats_closed", "singing"]


def frames(events, count):
    """The index of the kind of each frame; -1 where there is none."""
    kinds = np.full(count, -1)
    for kind, start, end in events:
        kinds[round(start / STEP) : round(end / STEP)] = KINDS.index(kind)
    return kinds


def recordings(folder):
    return sorted(path for path in folder.glob("*") if path.suffix in (".flac", ".wav", ".mp3", ".ogg"))


def programme(path, found):
    """Counts of frames by true and found kind."""
    truth = json.loads(path.with_suffix(".json").read_text())
    events = [(event["kind"], event["start_s"], event["end_s"]) for event in truth["events"]]
    count = round(max(end for _, _, end in events) / STEP)
    true, scored = frames(events, count), np.ones(count, bool)
    for _, start, end in events:
        for boundary in (start, end):
            scored[max(0, round((boundary - COLLAR) / STEP)) : round((boundary + COLLAR) / STEP)] = False
    for start, end in truth.get("ignore", []):
        scored[round(start / STEP) : round(end / STEP)] = False
    answer = frames(found, count)
    counts = np.zeros((4, 4))
    np.add.at(counts, (true[scored & (true >= 0) & (answer >= 0)], answer[scored & (true >= 0) & (answer >= 0)]), 1)
    return counts


def f_measures(counts):
    return 2 * np.diag(counts) / np.maximum(counts.sum(0) + counts.sum(1), 1)


def line(name, cells):
    print(f"{name:<32}" + "".join(f"{cell:>26}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("found", type=pathlib.Path)
    arguments = parser.parse_args()
    lines = map(json.loads, arguments.found.read_text().splitlines())
    ours = {pathlib.Path(line["recording"]).resolve(): line["segments"] for line in lines}
    segmenter = Segmenter(vad_engine="smn", detect_gender=False)
    peers = {
        "harkback": lambda path: [(kind, start, end) for kind, start, end in ours[path.resolve()]],
        "inaSpeechSegmenter": lambda path: [(LABELS[label], start, end) for label, start, end in segmenter(str(path))],
    }
    answers = {name: {} for name in peers}
    for folder in ["programme", "sounds", *SONGS]:
        for path in recordings(arguments.corpus / folder):
            for name, peer in peers.items():
                try:
                    with contextlib.redirect_stdout(sys.stderr):  # bars of progress
                        answers[name][path] = peer(path)
                except Exception as error:  # a peer that fails on a recording has no answer there
                    print(f"{name} fails on {path.name}: {error}", file=sys.stderr)
                    answers[name][path] = []
    print("\nscenes; programme/, sounds/ and the songs are seen in harkback's decisions (docs/scene_net.md)")
    line("", peers)
    rows = {name: [] for name in peers}
    for path in recordings(arguments.corpus / "programme"):
        for name in peers:
            rows[name].append(programme(path, answers[name][path]))
        line(f"{path.stem}: s, m, si, o", [" ".join(f"{f:.3f}" for f in f_measures(rows[name][-1])) for name in peers])
    line("programme/ together", [" ".join(f"{f:.3f}" for f in f_measures(sum(rows[name]))) for name in peers])
    clips = recordings(arguments.corpus / "sounds")
    for kind in ("music", "speech"):
        falses = [sum(any(event[0] == kind for event in answers[name][path]) for path in clips) for name in peers]
        line(f"sounds/, clips with {kind} (of {len(clips)})", falses)
    for folder in SONGS:
        cells = []
        for name in peers:
            share = lambda events: sum(end - start for kind, start, end in events if kind == "music") / max(end for *_, end in events)
            shares = [share(answers[name][path]) if answers[name][path] else 0.0 for path in recordings(arguments.corpus / folder)]
            cells.append(f"{np.mean(shares):.3f} (least {min(shares):.2f})")
        line(f"{folder}/, share of time music", cells)


if __name__ == "__main__":
    main()
