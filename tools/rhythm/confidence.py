"""Fits the confidences of beats, tempi and onsets, and scores them.

    python3 tools/rhythm/confidence.py --evidence target/release/examples/rhythm_evidence HELD [--corpus ../shared/corpus]

prints the constants of crates/audio_signal/src/rhythm/{confidence,onset_picker,grid}.rs, fitted on HELD: what songs.py and
played.py wrote with `--listen`, of numbers that train.py leaves out (`held_out`). The corpus is for scores only. All of it is
deterministic: logistic regressions with a ridge, by Newton's method; each recording weighs as one. Needs numpy.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from train import held_out

TOLERANCE, FROM = 0.07, 3.0
ONSET_TOLERANCE, ONE = 0.05, 0.03
TEMPO_TOLERANCE = 0.04
RIDGE = 2e-3
# As in onset_picker.rs and onsets.rs; frames of 5 ms.
BACK, AHEAD, THRESHOLD, NOISE, BLOCK = 5, 4, 0.02, 0.6, 400
MEAN_BACK, MEAN_AHEAD, STEPS, REACH, AROUND = 20, 14, 4, 2, 400
MIN_RISE, MIN_LOG_ODDS, MAX_LOG_ODDS, FLOOR, MIN_CONFIDENCE, MIN_GAP = 0.01, -1.5, 5.0, 0.01, 0.5, 0.04
# Songs have onsets in their notes that nobody hears; clips of singing and of drums alone count more.
ONSET_WEIGHTS = {"sung": 1.0, "groove": 1.0}
OTHER_ONSET_WEIGHT = 0.35


# Recordings ------------------------------------------------------------------------------------------------------------


def merged(times):
    kept = []
    for time in sorted(times):
        if not kept or time - kept[-1] > ONE:
            kept.append(time)
    return np.array(kept)


def fields(path):
    return [line.split() for line in path.read_text().splitlines() if line.strip()] if path.exists() else None


class Recording:
    """What the crate found, and the truth: `beats` and `onsets`, None where unknown."""

    def __init__(self, sound, evidence):
        self.name, self.kind = sound.stem, sound.stem.rsplit("_", 1)[0]
        for key, value in evidence.items():
            setattr(self, "found_onsets" if key == "onsets" else key if key != "beats" else "found", value)
        self.rises, self.net = np.array(self.rises, np.float32), np.array(self.onset_log_odds, np.float32)
        truth = sound.with_suffix(".npz")
        if truth.exists():
            with np.load(truth) as data:
                self.beats = None if data["beatless"] or len(data["beats"]) < 4 else data["beats"]
                onsets = data["onsets"]
                self.onsets = merged(onsets[onsets[:, 1] > 30, 0]) if len(onsets) > 8 else None
        else:
            beats, onsets = fields(sound.with_suffix(".beats")), fields(sound.with_suffix(".onsets"))
            self.beats = beats and np.array([float(line[0]) for line in beats])
            self.onsets = None if onsets is None or "_mix" in sound.stem else merged(float(line[0]) for line in onsets)


def recordings(program, sounds):
    with tempfile.TemporaryDirectory() as scratch:
        outs = [pathlib.Path(scratch, f"{index}.json") for index in range(len(sounds))]
        lines = "".join(f"{sound} {out}\n" for sound, out in zip(sounds, outs))
        subprocess.run([program], input=lines, text=True, check=True)
        return [Recording(sound, json.loads(out.read_text())) for sound, out in zip(sounds, outs)]


def matched(truth, found, tolerance):
    """Whether each of `found` is one of `truth`, each of which counts once."""
    right, i, j = np.zeros(len(found), bool), 0, 0
    while i < len(truth) and j < len(found):
        if abs(truth[i] - found[j]) <= tolerance:
            right[j], i, j = True, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return right


# Regression ------------------------------------------------------------------------------------------------------------


def fitted(x, y, weight):
    """Offset and weights of a logistic regression."""
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    z, b = np.c_[np.ones(len(x)), (x - mean) / deviation], np.zeros(x.shape[1] + 1)
    ridge = RIDGE * weight.sum() * np.r_[0, np.ones(x.shape[1])]
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(z @ b, -40, 40)))
        step = np.linalg.solve((z * (weight * p * (1 - p))[:, None]).T @ z + np.diag(ridge + 1e-9), z.T @ (weight * (p - y)) + ridge * b)
        b = b - step
    slopes = b[1:] / deviation
    return np.r_[b[0] - slopes @ mean, slopes]


def probability(weights, x):
    return 1 / (1 + np.exp(-(weights[0] + x @ weights[1:])))


def reliability(name, p, y):
    """Prints what is right of what is said with confidences in tenths, and the expected calibration error."""
    text, error = "", 0.0
    for low in range(10):
        inside = (np.minimum(p * 10, 9.999).astype(int)) == low
        if inside.any():
            text += f" {p[inside].mean():.2f}:{y[inside].mean():.2f} ({inside.sum()})"
            error += abs((p[inside] - y[inside]).sum())
    print(f"  {name:22}{len(y):6} ECE {error / max(1, len(y)):.3f} {text}")


def constant(name, weights):
    print(f"const {name}: Weights = [{', '.join(f'{w:.3f}' for w in weights)}];")


# Beats and tempi -------------------------------------------------------------------------------------------------------


def beats(recordings, key, by_net):
    """Features, whether the beat is right, and weights of the recordings."""
    x, y, weight = [], [], []
    for r in recordings:
        rows = [row for row in getattr(r, key) if row[0] >= FROM]
        if r.beats is None or not rows:
            continue
        right = matched(r.beats, [row[0] for row in rows], TOLERANCE)
        own = [row[3] == by_net for row in rows]
        x.append(np.array([row[4] for row in rows])[own])
        y.append(right[own])
        weight.append(np.full(sum(own), 1 / max(1, sum(own))))
    return np.concatenate(x), np.concatenate(y).astype(float), np.concatenate(weight)


def tempi(recordings):
    """(relative saliences, mean confidence of the beats, whether each tempo is right) of each recording; the main one first."""
    for r in recordings:
        if r.beats is not None and r.tempi:
            rows = np.array(r.tempi)
            bpm = 60 / np.median(np.diff(r.beats))
            yield rows[:, 2], np.mean([row[2] for row in r.found]), np.abs(rows[:, 1] / bpm - 1) <= TEMPO_TOLERANCE


def tempo_weights(w, salience, confidence):
    """Of the candidates: softmax of sharpness × salience, and for the main one an offset and a slope by the beats' confidence."""
    odds = w[0] * (salience - 1) + (w[1] + w[2] * confidence) * (np.arange(len(salience)) == 0)
    odds = np.exp(odds - odds.max())
    return odds / odds.sum()


def fitted_tempi(examples):
    def loss(w):
        right = [tempo_weights(w, s, c)[ok].sum() for s, c, ok in examples if ok.any()]
        return -np.log(np.array(right) + 1e-9).sum() + 0.02 * (np.array(w) ** 2).sum()

    w = np.zeros(3)
    size = 2.0
    while size > 1e-3:  # along the axes, in shrinking steps
        tries = [w + size * sign * axis for axis in np.eye(3) for sign in (-1, 1)]
        best = min(tries, key=loss)
        if loss(best) < loss(w):
            w = best
        else:
            size /= 2
    return w


# Onsets ----------------------------------------------------------------------------------------------------------------


def peaks(rises, least):
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(rises, (BACK, AHEAD)), BACK + AHEAD + 1).max(1)
    found = []
    for frame in np.flatnonzero((rises >= least) & (rises >= highest)):
        if not found or frame > found[-1] + AHEAD:
            found.append(int(frame))
    return np.array(found, int)


def offset(values, peak):
    if peak == 0 or peak + 1 >= len(values):
        return 0.0
    left, top, right = map(float, values[peak - 1 : peak + 2])
    bend = left - 2 * top + right
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))


def candidates(r):
    """Places (s), features, and whether the net is computed there, as in onset_picker.rs."""
    rises, net = r.rises, r.net
    log = lambda v: np.log10(v + FLOOR)
    sums, index = np.r_[0, np.cumsum(rises.astype(float))], np.arange(len(rises))
    mean = (sums[np.minimum(len(rises), index + MEAN_AHEAD + 1)] - sums[np.maximum(0, index - MEAN_BACK)]) / (MEAN_BACK + MEAN_AHEAD + 1)
    noise = np.concatenate([np.full(len(b), np.sort(b)[len(b) // 2]) for b in (rises[i : i + BLOCK] for i in range(0, len(rises), BLOCK))])
    threshold = mean + THRESHOLD + NOISE * noise
    computed = net > -9.99
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(net, REACH, constant_values=-10), 2 * REACH + 1).max(1)
    strokes = peaks(rises, threshold)
    stroked = np.r_[0, np.cumsum(rises[strokes].astype(float))]
    step = lambda frame: min(frame // STEPS, len(net) - 1)
    low = peaks(rises, np.where([computed[step(frame)] for frame in index], mean + MIN_RISE, threshold))

    def row(frame, strength):
        first, end = np.searchsorted(strokes, frame - AROUND), np.searchsorted(strokes, frame + AROUND, "right")
        percussive = log((stroked[end] - stroked[first]) / (end - first) if end > first else 0)
        odds = float(np.clip(highest[step(frame)], -MAX_LOG_ODDS, MAX_LOG_ODDS)) if computed[step(frame)] else 0.0
        above, height = log(strength) - log(threshold[frame]), log(strength)
        return [above, height, odds, percussive, log(noise[frame]), odds * percussive, above * percussive, above * odds, min(odds, 0), height * percussive]

    found = [((f + offset(rises, f)) / r.frames_per_second, row(f, rises[f]), computed[step(f)]) for f in low]
    for s in np.flatnonzero(computed & (net >= MIN_LOG_ODDS) & (net >= highest)):
        near = low[np.searchsorted(low, max(0, s - REACH) * STEPS) :][:1]
        if not len(near) or near[0] >= (s + REACH + 1) * STEPS:
            frame = min(STEPS * s + STEPS // 2, len(rises) - 1)
            strength = rises[max(0, frame - BACK) : frame + BACK + 1].max()
            found.append(((s * STEPS + (STEPS - 1) / 2) / r.frames_per_second, row(frame, strength), True))
    found.sort(key=lambda c: c[0])
    return np.array([c[0] for c in found]), np.array([c[1] for c in found]), np.array([c[2] for c in found])


def labelled(truth, places, x):
    """The candidate for each true onset: high, and near it."""
    right, worth = np.zeros(len(places), bool), x[:, 0] + 0.15 * x[:, 2]
    for time in truth:
        first, end = np.searchsorted(places, [time - ONSET_TOLERANCE, time + ONSET_TOLERANCE])
        if end > first:
            right[first + np.argmax(worth[first:end] - 8 * np.abs(places[first:end] - time))] = True
    return right


def picked(places, p):
    """Places and confidences of those accepted."""
    kept = []
    for place, confidence in zip(places, p):
        if confidence < MIN_CONFIDENCE:
            continue
        if kept and place - kept[-1][0] < MIN_GAP:
            if confidence > kept[-1][1]:
                kept[-1] = (place, confidence)
        else:
            kept.append((place, confidence))
    return np.array([k[0] for k in kept]), np.array([k[1] for k in kept])


def f_measure(truth, found, tolerance=ONSET_TOLERANCE):
    hits = matched(truth, found, tolerance).sum()
    return 2 * hits / max(1, len(truth) + len(found))


def fitted_onsets(examples):
    """Weights with the net, and without, where only what is above the threshold is an onset."""
    x, y, weight = [], [], []
    for r in examples:
        places, features, computed = candidates(r)
        x.append(features[computed])
        y.append(labelled(r.onsets, places, features)[computed])
        weight.append(np.full(computed.sum(), ONSET_WEIGHTS.get(r.kind, OTHER_ONSET_WEIGHT) / max(1, computed.sum())))
    with_net = fitted(np.concatenate(x), np.concatenate(y).astype(float), np.concatenate(weight))
    above = [features[:, 0] >= 0 for features in x]
    x = [features[a] * [1, 1, 0, 1, 1, 0, 1, 0, 0, 1] for features, a in zip(x, above)]
    y, weight = [v[a] for v, a in zip(y, above)], [v[a] for v, a in zip(weight, above)]
    return with_net, fitted(np.concatenate(x), np.concatenate(y).astype(float), np.concatenate(weight))


def report_onsets(name, examples, weights):
    scores, p, right = [], [], []
    for r in examples:
        places, features, _ = candidates(r)
        found, confidences = picked(places, probability(weights, features))
        scores.append((f_measure(r.onsets, found), f_measure(r.onsets, found, 0.025), f_measure(r.onsets, [o[0] for o in r.found_onsets])))
        p.append(confidences)
        right.append(matched(r.onsets, found, ONSET_TOLERANCE))
    reliability(name, np.concatenate(p), np.concatenate(right))
    print(f"    F ±50 ms {np.mean(scores, 0)[0]:.3f}, ±25 ms {np.mean(scores, 0)[1]:.3f}; by the crate as built {np.mean(scores, 0)[2]:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", required=True, help="the built example `rhythm_evidence`")
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("held", type=pathlib.Path)
    arguments = parser.parse_args()
    sounds = [path for path in sorted(arguments.held.glob("*.wav")) if held_out(path.stem) and path.with_suffix(".npz").exists()]
    held = recordings(arguments.evidence, sounds)
    corpus = {}
    if arguments.corpus:
        for folder in ("beats", "beats_closed", "drums", "singing"):
            corpus[folder] = recordings(arguments.evidence, sorted(arguments.corpus.joinpath(folder).glob("*.flac")))
    together = [r for rs in corpus.values() for r in rs]
    for key, by_net, name in (("found", True, "BY_NET"), ("pulse_beats", False, "BY_PULSE")):
        x, y, weight = beats(held, key, by_net)
        weights = fitted(x, y, weight)
        constant(name, weights)
        reliability("held out", probability(weights, x), y)
        if together:
            x, y, _ = beats(together, key, by_net)
            reliability("corpus", probability(weights, x), y)
    examples = list(tempi(held))
    w = fitted_tempi(examples)
    print(f"CANDIDATE_SHARPNESS {w[0]:.2f}, MAIN_OFFSET {w[1]:.2f}, MAIN_SLOPE {w[2]:.2f} (fit again after the beats)")
    for name, rs in (("held out", examples), ("corpus", list(tempi(together)))):
        if rs:
            reliability(name, np.concatenate([tempo_weights(w, s, c) for s, c, _ in rs]), np.concatenate([ok for *_, ok in rs]))
    examples = [r for r in held if r.onsets is not None and len(r.onsets) > 8]
    with_net, without = fitted_onsets(examples)
    constant("WITH_NET", with_net)
    constant("WITHOUT_NET", without)
    for kind in sorted({r.kind for r in examples}):
        report_onsets(kind, [r for r in examples if r.kind == kind], with_net)
    for folder in ("drums", "singing"):
        if folder in corpus:
            report_onsets(f"{folder}/", [r for r in corpus[folder] if r.onsets is not None], with_net)


if __name__ == "__main__":
    main()
