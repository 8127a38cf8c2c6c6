"""Segments of programmes and of recordings of one kind, scored; and the calibration of confidences.

    python3 tools/scene/evaluate.py --segments target/release/examples/scene_features --corpus ../shared/corpus \\
        [--programmes FOLDER ...] [--calibrate]

Scores as `make quality TABLES="segments scenes"` does, for any folder of programmes (programmes.py), each programme by
itself with `--each`. `--calibrate` fits the slope and the offset of `CALIBRATION` in scene/classifier.rs for each kind on
the programmes; the crate that is run must have slopes of 1 and offsets of 0.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np

KINDS = ["speech", "music", "silence", "other"]
STEP, COLLAR = 0.01, 0.1


def segmented(program, paths):
    """[(start, end, kind, confidence, over music, sung)] of each recording."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = "".join(f"{path} {folder}/{index}\n" for index, path in enumerate(paths))
        subprocess.run([program, "segments"], input=jobs, text=True, check=True)
        found = []
        for index in range(len(paths)):
            rows = [line.split() for line in pathlib.Path(folder, str(index)).read_text().splitlines()]
            found.append([(float(a), float(b), k, float(c), m == "1", s == "1") for a, b, k, c, m, s in rows])
        return found


def frames(spans, count):
    kinds = np.full(count, -1)
    for start, end, kind in spans:
        kinds[int(np.ceil(start / STEP - 0.5)) : int(np.ceil(end / STEP - 0.5))] = KINDS.index(kind)
    return kinds


class Score:
    def __init__(self):
        self.confusion = np.zeros((4, 4))
        self.events, self.over_music = [], []

    def add(self, truth, found):
        count = int(truth["duration_s"] / STEP) + 1
        events = [(e["start_s"], e["end_s"], e["kind"]) for e in truth["events"]]
        real = frames(events, count)
        for start, end in truth.get("ignore", []):
            real[int(start / STEP) : int(end / STEP)] = -1
        away = np.ones(count, bool)
        for start, end, _ in events:
            for edge in (start, end):
                away[max(0, int(np.ceil((edge - COLLAR) / STEP - 0.5))) : int(np.ceil((edge + COLLAR) / STEP - 0.5))] = False
        got = frames([row[:3] for row in found], count)
        use = away & (real >= 0) & (got >= 0)
        np.add.at(self.confusion, (real[use], got[use]), 1)
        for start, end, kind, confidence, over, _ in found:
            part = real[int(np.ceil(start / STEP - 0.5)) : int(np.ceil(end / STEP - 0.5))]
            part = part[part >= 0]
            right = (part == KINDS.index(kind)).sum() > len(part) / 2
            self.events.append((kind, confidence, float(right), end - start))

    def f(self):
        c = self.confusion
        return [2 * c[k, k] / max(1, c[k].sum() + c[:, k].sum()) for k in range(4)]

    def ece(self):
        bins = {}
        for _, confidence, right, _ in self.events:
            a = bins.setdefault(min(int(confidence * 10), 9), [0, 0, 0])
            a[0] += confidence
            a[1] += right
            a[2] += 1
        return sum(abs(a - b) for a, b, _ in bins.values()) / max(1, len(self.events)), bins


def calibration(events, kind):
    """Slope and offset of a logistic regression of rightness on log odds, by Newton's method, weakly drawn to (1, 0)."""
    rows = [(c, r) for k, c, r, _ in events if k == kind]
    p = np.clip(np.array([c for c, _ in rows]), 1e-4, 1 - 1e-4)
    x = np.c_[np.log(p / (1 - p)), np.ones(len(p))]
    y = np.array([r for _, r in rows])
    beta = np.array([1.0, 0.0])
    for _ in range(50):
        q = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (q - y) + 2 * (beta - [1, 0])
        hessian = (x * (q * (1 - q))[:, None]).T @ x + 2 * np.eye(2)
        beta -= np.linalg.solve(hessian, gradient)
    return beta


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", required=True, help="the built example `scene_features`")
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("--programmes", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--calibrate", action="store_true")
    arguments = parser.parse_args()
    folders = list(arguments.programmes)
    if arguments.corpus:
        folders.append(arguments.corpus / "programme")
    print(f"{'programmes':26}{'speech':>8}{'music':>8}{'silence':>8}{'other':>8}{'ECE':>7}")
    for folder in folders:
        paths = sorted(p for p in folder.iterdir() if p.suffix in (".flac", ".mp3", ".wav"))
        whole = Score()
        for path, found in zip(paths, segmented(arguments.segments, paths)):
            truth = json.loads(path.with_suffix(".json").read_text())
            one = Score()
            one.add(truth, found)
            whole.add(truth, found)
            if arguments.each:
                print(f"{path.stem:26}" + "".join(f"{f:8.3f}" for f in one.f()) + f"{one.ece()[0]:7.3f}")
        print(f"{folder.name:26}" + "".join(f"{f:8.3f}" for f in whole.f()) + f"{whole.ece()[0]:7.3f}  events {len(whole.events)}")
        print("  ", "confidence: right", *[f"{a / n:.2f}:{b / n:.2f} ({n})" for _, (a, b, n) in sorted(whole.ece()[1].items())])
        print("   true by found:", *[f"{KINDS[k]} {(whole.confusion[k] / max(1, whole.confusion[k].sum())).round(3)}" for k in range(4)])
        if arguments.calibrate:
            for kind in ("speech", "music", "other"):
                print("   calibration", kind, calibration(whole.events, kind).round(3))
    if not arguments.corpus:
        return
    paths = sorted(arguments.corpus.joinpath("sounds").glob("*.*"))
    paths = [p for p in paths if p.suffix in (".flac", ".wav", ".ogg", ".mp3")]
    found = segmented(arguments.segments, paths)
    for kind in ("music", "speech"):
        confidences = [max([row[3] for row in rows if row[2] == kind], default=0) for rows in found]
        named = [f"{p.stem}:{c:.2f}" for p, c in zip(paths, confidences) if c > 0]
        print(f"sounds: {len(paths)} clips, false {kind} in {len(named)}, at 0.95 in {sum(c >= 0.95 for c in confidences)}")
        print("  ", *named)
    for name in ("beats", "beats_closed", "singing", "drums"):
        paths = sorted(arguments.corpus.joinpath(name).glob("*.flac"))
        shares = []
        for rows in segmented(arguments.segments, paths):
            length = lambda kinds: sum(b - a for a, b, k, *_ in rows if k in kinds)
            shares.append(length(["music"]) / max(1e-9, length(KINDS)))
        print(f"{name}: music {np.mean(shares):.3f} of the time, least {min(shares):.3f}", [round(s, 2) for s in shares if s < 0.95])


if __name__ == "__main__":
    main()
