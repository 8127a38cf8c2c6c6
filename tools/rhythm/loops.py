"""Fits a confidence of loops: `loops.py --evidence target/release/examples/loop_evidence HELD` prints the weights of
crates/audio_field_to_samples/src/loops/detect.rs, and how often loops are right with them and as built.

HELD is what songs.py wrote with `--listen`, of numbers that train.py leaves out. A loop is right if both its ends are downbeats
(within 70 ms), as many bars of four apart as it has. A logistic regression with a ridge; each recording weighs as one, those in
other metres than four a tenth: most recorded music is in four, half of these songs are not. Continuity and bars say nothing.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy as np
from confidence import BEAT_KINDS, fitted, probability, reliability
from train import held_out

TOLERANCE, RIDGE, LEAST, MOST, OTHER_METRE = 0.07, 0.02, 0.02, 8, 0.1


def features(rows):
    """Log-odds of the clarity, margin of the bars."""
    clarity, margin = np.clip(rows[:, 4], LEAST, 1 - LEAST), np.clip(rows[:, 5], 0, MOST)
    return np.c_[np.log(clarity / (1 - clarity)), margin]


def right(row, beats, positions):
    ends = [np.flatnonzero(np.abs(beats - time) <= TOLERANCE) for time in row[:2]]
    if not all(len(end) for end in ends):
        return False
    first, last = (int(end[0]) for end in ends)
    return positions[first] == 1 and positions[last] == 1 and (positions[first : last + 1] == 1).sum() - 1 == row[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", required=True, help="the built example `loop_evidence`")
    parser.add_argument("held", type=pathlib.Path)
    arguments = parser.parse_args()
    x, y, weight, old = [], [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch, "loops")
        for sound in sorted(arguments.held.glob("*.wav")):
            if not held_out(sound.stem) or sound.stem.rsplit("_", 1)[0] not in BEAT_KINDS or not sound.with_suffix(".npz").exists():
                continue
            with np.load(sound.with_suffix(".npz")) as data:
                beats, positions, metre = data["beats"], data["positions"], int(data["metre"])
            subprocess.run([arguments.evidence], input=f"{sound} {out}\n", text=True, check=True)
            text = out.read_text().split()
            rows = np.array(text, float).reshape(-1, 7)
            if len(rows) and len(beats) > 4:
                x.append(features(rows))
                y.append([right(row, beats, positions) for row in rows])
                weight.append(np.full(len(rows), (1 if metre == 4 else OTHER_METRE) / len(rows)))
                old.append(rows[:, 3])
    x, y, weight, old = np.concatenate(x), np.concatenate(y).astype(float), np.concatenate(weight), np.concatenate(old)
    weights = fitted(x, y, weight, RIDGE)
    print("// offset, log-odds of clarity, margin:", ", ".join(f"{w:.3f}" for w in weights))
    reliability("as built", old, y)
    reliability("held out", probability(weights, x), y)


if __name__ == "__main__":
    main()
