"""Fits the weights that decide where bars begin, and whether they have four beats or three.

    python3 tools/rhythm/fit.py --features target/release/examples/bar_features material

prints the constants of crates/audio_signal/src/rhythm/bars.rs (WEIGHTS, in halves, and the cost of three) as fitted on
material/fit, and the F of the beats and downbeats that the crate as built detects without its net in material/report. `material` is what material.py
wrote. Needs numpy and scipy.

The model is a conditional logit: the seven hypotheses of a recording (the metre, and which beat is the first) compete,
their scores linear in the mean features of each sort of beat. Recordings count whose beats were found at the annotated
tempo and phase. All of one source weigh as one, a piece of drums/ as six, what is in three thrice.
"""

import argparse
import pathlib
import subprocess
import tempfile
from collections import Counter

import material
import numpy as np
from scipy.optimize import minimize

FEATURES = 4
PLACES = {4: [0, 1, 2, 1], 3: [0, 3, 3]}  # rows of WEIGHTS: downbeat, backbeat, middle, weak
RIDGE = 0.3
MIN_BEATS = 16
TEMPO_TOLERANCE = 0.04
AGREEING = 0.8
FROM, TOLERANCE = 3.0, 0.07


class Recording:
    def __init__(self, sound, found):
        """`found` has rows of: run, time (s), position, features."""
        self.group, self.source, _ = sound.stem.split("@")
        truth = np.loadtxt(sound.with_suffix(".beats"), ndmin=2)
        self.times, self.positions = truth[:, 0], truth[:, 1].astype(int)
        self.found = found
        self.metre = self.positions.max()

    def first(self):
        """The longest run's features, and which of its beats is the first downbeat (None where beats are wrong)."""
        runs = Counter(self.found[:, 0].astype(int)).most_common(1)
        if self.metre not in PLACES or not runs or runs[0][1] < MIN_BEATS:
            return None, None
        run = self.found[self.found[:, 0] == runs[0][0]]
        times = run[:, 1]
        ratio = np.median(np.diff(times)) / np.median(np.diff(self.times))
        inside = (times >= self.times[0]) & (times <= self.times[-1])
        # Half beats since a downbeat, by the annotation.
        counted = np.interp(times, self.times, np.arange(len(self.times))) + self.positions[0] - 1
        halves = (2 * np.arange(len(times)) - np.round(2 * counted).astype(int))[inside] % (2 * self.metre)
        values, counts = np.unique(halves, return_counts=True)
        agree = len(counts) and counts.max() >= AGREEING * counts.sum()
        if abs(ratio - 1) > TEMPO_TOLERANCE or not agree or values[counts.argmax()] % 2:
            return None, None
        return run[:, 3:], values[counts.argmax()] // 2

    def f_measures(self):
        """F of beats, and of downbeats where they are known."""
        times, beats = self.found[:, 1], self.found[:, 2]
        downbeats = None
        if self.metre:
            downbeats = f_measure(self.times[self.positions == 1], times[beats == 1])
        return f_measure(self.times, times), downbeats


def f_measure(truth, found):
    truth, found = truth[truth >= FROM], found[found >= FROM]
    i = j = hits = 0
    while i < len(truth) and j < len(found):
        if abs(truth[i] - found[j]) <= TOLERANCE:
            i, j, hits = i + 1, j + 1, hits + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / max(1, len(truth) + len(found))


def recordings(program, folder):
    """The recordings of one half with what the crate finds in them."""
    sounds = sorted(folder.glob("*.flac"))
    with tempfile.TemporaryDirectory() as scratch:
        links = [pathlib.Path(scratch, f"{index}.flac") for index in range(len(sounds))]
        for link, sound in zip(links, sounds):
            link.symlink_to(sound.resolve())
        subprocess.run([program], input="".join(f"{x} {x}.f32\n" for x in links), text=True, check=True)
        found = [np.fromfile(f"{x}.f32", "<f4").reshape(-1, 3 + FEATURES) for x in links]
    return [Recording(sound, rows) for sound, rows in zip(sounds, found)]


def hypotheses(features):
    """For each metre and first beat, what multiplies WEIGHTS."""
    standard = (features - features.mean(0)) / (features.std(0) + 1e-6)
    rows = []
    for metre, places in PLACES.items():
        means = [standard[position::metre].mean(0) / metre for position in range(metre)]
        for first in range(metre):
            row = np.zeros((max(PLACES[3]) + 1, FEATURES))
            for position in range(metre):
                row[places[(position - first) % metre]] += means[position]
            rows.append(row.ravel())
    return np.array(rows)


def fit(examples):
    """The weights, and what speaks for three."""
    usable = [(r, *r.first()) for r in examples]
    usable = [(r, features, first) for r, features, first in usable if features is not None]
    sizes = Counter(r.source for r, *_ in usable)
    share = lambda r: (6 if r.group.startswith("drums") else 1) * (3 if r.metre == 3 else 1) / sizes[r.source]
    weight = np.array([share(r) for r, *_ in usable])
    inputs = np.array([hypotheses(features) for _, features, _ in usable])
    three = np.repeat([0, 1], [4, 3])
    answer = np.array([first if r.metre == 4 else 4 + first for r, _, first in usable])
    rows = np.arange(len(answer))

    def loss(beta):
        scores = inputs @ beta[:-1] + beta[-1] * three
        scores -= scores.max(1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        error = np.exp(log_p)
        error[rows, answer] -= 1
        gradient = np.einsum("n,nh,nhk->k", weight, error, inputs) + RIDGE * beta[:-1]
        value = -(weight * log_p[rows, answer]).sum() + RIDGE * (beta[:-1] ** 2).sum() / 2
        return value, np.append(gradient, (weight * (error @ three)).sum())

    beta = minimize(loss, np.zeros(inputs.shape[2] + 1), jac=True, method="L-BFGS-B").x
    return beta[:-1].reshape(-1, FEATURES), beta[-1], len(usable)


def report(examples):
    print("| held-out half | recordings | beats F | downbeats F |\n|---|---|---|---|")
    for group in sorted({r.group for r in examples}):
        scores = [r.f_measures() for r in examples if r.group == group]
        beats = np.mean([b for b, _ in scores])
        known = [d for _, d in scores if d is not None]
        print(f"| {group} | {len(scores)} | {beats:.3f} | {f'{np.mean(known):.3f}' if known else '–'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", required=True, help="the built example `bar_features`")
    parser.add_argument("material", type=pathlib.Path)
    arguments = parser.parse_args()
    weights, three, count = fit(recordings(arguments.features, arguments.material / material.FIT))
    halves = lambda x: np.round(x * 2) / 2 + 0.0
    print(f"// from {count} recordings; exactly {np.round(weights, 2).tolist()}, three {three:.2f}")
    rows = ", ".join(f"[{', '.join(f'{w:.1f}' for w in halves(row))}]" for row in weights)
    print(f"const WEIGHTS: [[f32; FEATURES]; 4] =\n    [{rows}];\n// METRES: cost of three {-halves(three):.1f}\n")
    report(recordings(arguments.features, arguments.material / material.REPORT))


if __name__ == "__main__":
    main()
