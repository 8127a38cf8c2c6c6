"""Fits the regressions that distinguish music from other sounds, and speaking from singing and other voices.

    python3 tools/scene/fit.py SCENES.npz ...

prints the constants of crates/audio_signal/src/scene/model.rs (SCALES, MUSIC, SPEAKING), fitted on composed scenes
(scenes.py), and the share of frames of each kind that a fit on the other scenes classifies correctly. Nothing of beats/,
drums/ or any other folder of the corpus but classes/, asr/ and vad/ is in the scenes. Needs numpy.
"""

import argparse
import pathlib

import numpy as np

SPEECH, SINGING, MUSIC, NOISE = range(4)
NAMES = ["persistence", "notes", "pulse", "level_spread", "peakiness_spread", "flux_unevenness", "flux", "peakiness",
         "voice"]  # fmt: skip
PRODUCTS = [("persistence", "peakiness"), ("level_spread", "level_spread")]
INPUTS = NAMES + ["*".join(pair) for pair in PRODUCTS]
# Weight of each answer of a task: a voice speaks more often than it sings.
PRIOR = {"music": {0: 1.0, 1: 1.0}, "speaking": {0: 1.0, 1: 3.0}}
FARTHEST = 3.0
# Every so many frames count, because neighbours are alike, and all of them together as this many.
STRIDE, EVIDENCE = 6, 3000
# Frames on either side that a feature is a mean of.
REACH = 32
FOLDS = 5


def regression(x, y, weight, ridge=10.0):
    """Weights and bias of a logistic regression, by Newton's method."""
    x = np.c_[x, np.ones(len(x))]
    penalty = ridge * np.r_[np.ones(x.shape[1] - 1), 0]
    beta = np.zeros(x.shape[1])
    for _ in range(40):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * (p - y)) + penalty * beta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(penalty) + 1e-6 * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        beta -= step
        if np.abs(step).max() < 1e-5:
            break
    return beta


def probability(beta, x):
    return 1 / (1 + np.exp(-np.clip(np.c_[x, np.ones(len(x))] @ beta, -30, 30)))


def inputs(features, scales):
    """What the regressions see: standardised features and two products of them."""
    standard = np.clip((features - scales[0]) / scales[1], -FARTHEST, FARTHEST)
    products = [standard[:, NAMES.index(a)] * standard[:, NAMES.index(b)] for a, b in PRODUCTS]
    return np.c_[standard, np.stack(products, 1)]


def answers(labels, voice):
    """{task: 0, 1 or -1 (undecided)} of each frame."""
    around = lambda present: np.lib.stride_tricks.sliding_window_view(
        np.pad(present, [(0, 0), (REACH, REACH)]), 2 * REACH + 1, axis=1).any(-1)  # fmt: skip
    # Features are means: what is near counts, too.
    quiet, tuneless = ~around(labels[..., SPEECH] != 0), ~around(labels[..., MUSIC] != 0)
    present = lambda activity: labels[..., activity] == 1
    musical = np.full(labels.shape[:2], -1)
    musical[quiet & tuneless & present(NOISE)] = 0
    musical[quiet & present(MUSIC) & (labels[..., NOISE] == 0)] = 1
    speaking = np.full(labels.shape[:2], -1)
    speaking[quiet & (labels[..., 1:] == 1).any(-1)] = 0
    speaking[present(SPEECH) & ~around(labels[..., SINGING] != 0)] = 1
    speaking[voice < 0.5] = -1
    return {"music": musical, "speaking": speaking}


def fitted(task, x, y):
    counts = {k: max(1, (y == k).sum()) for k in (0, 1)}
    weight = np.where(y == 1, PRIOR[task][1] / counts[1], PRIOR[task][0] / counts[0]) * EVIDENCE
    return regression(x, y.astype(float), weight)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    parts = [np.load(path) for path in arguments.scenes]
    features = np.concatenate([part["features"] for part in parts])
    labels = np.concatenate([part["labels"] for part in parts])
    tasks = {task: y[:, ::STRIDE].ravel() for task, y in answers(labels, features[..., -1]).items()}
    audible = (labels == 1).any(-1)
    scales = features[audible][:, :-1].mean(0), features[audible][:, :-1].std(0)
    features = features[:, ::STRIDE]
    fold = np.repeat(np.arange(len(features)) % FOLDS, features.shape[1])
    x = inputs(features.reshape(-1, features.shape[-1])[:, :-1], scales)
    print("const SCALES: [(f32, f32); FEATURES] = [")
    for mean, deviation in zip(*scales):
        print(f"    ({mean:.3f}, {deviation:.3f}),")
    print("];")
    for task, y in tasks.items():
        # The speech probability is no evidence for music.
        use = [i for i in range(len(INPUTS)) if task != "music" or INPUTS[i] != "voice"]
        decided = y >= 0
        for k in (0, 1):
            right = [probability(fitted(task, x[decided & (fold != f)][:, use], y[decided & (fold != f)]),
                                 x[(y == k) & (fold == f)][:, use]) > 0.5 for f in range(FOLDS)]  # fmt: skip
            print(f"// {task} {k}: {(np.concatenate(right) == k).mean():.3f} of {(y == k).sum()} frames")
        weights = np.zeros(len(INPUTS) + 1)
        weights[[*use, len(INPUTS)]] = fitted(task, x[decided][:, use], y[decided])
        listed = ", ".join(f"{w:.3f}" for w in weights[:-1])
        print(f"pub(crate) const {task.upper()}: Logistic =\n    Logistic {{ weights: [{listed}], bias: {weights[-1]:.3f} }};")


if __name__ == "__main__":
    main()
