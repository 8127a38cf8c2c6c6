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
RIDGE, BEAT_RIDGE = 2e-3, 0.02  # the latter by the songs left out in turn
# Not `loop`, whose tempo is meant to be ambiguous, and `sung`.
BEAT_KINDS = ("pop909", "made", "mma")
# As in onset_candidates.rs, onset_picker.rs and onsets.rs; frames of 5 ms.
BACK, AHEAD, THRESHOLD, NOISE, BLOCK = 5, 4, 0.02, 0.6, 400
MEAN_BACK, MEAN_AHEAD, STEPS, REACH, NET_RIVALS, AROUND, PULSE_REACH = 20, 14, 4, 2, 5, 400, 2
MIN_RISE, MIN_LOG_ODDS, MAX_LOG_ODDS, MAX_RIVALRY, MAX_PULSE, FLOOR = 0.01, -1.5, 5.0, 4.0, 5.0, 0.01
AFTER, PERCUSSIVE_FALL, NO_FALL, RIVALS, MIN_RELATIVE, MIN_CONFIDENCE, MIN_GAP = (5, 12), 0.75, 0.4, 0.08, -0.5, 0.5, 0.06
OF_DRUMS = np.array([1, 1, 1, 1, 1] + 13 * [0])  # the features that count among drums alone
WITHOUT_NET = np.array([1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])  # the features that are known then
# Songs have inaudible onsets in their notes, recorded kits have strokes in their samples that the truth lacks.
WEIGHTS = {"sung": 1.0, "groove": 1.0}
DRUM_WEIGHTS = {"sung": 0.1, "groove": 0.1}
SONG, DRUM_SONG = 0.8, 1.0


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


def fitted(x, y, weight, ridge=RIDGE):
    """Offset and weights of a logistic regression."""
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    z, b = np.c_[np.ones(len(x)), (x - mean) / deviation], np.zeros(x.shape[1] + 1)
    ridge = ridge * weight.sum() * np.r_[0, np.ones(x.shape[1])]
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


def level(rise):
    return np.log10(rise + FLOOR)


class Candidates:
    """Places (s) of candidates, their features, whether the net is computed, they are among drums alone, above the threshold."""

    def __init__(self, r):
        rises, net, fps = r.rises, r.net, r.frames_per_second
        sums, index = np.r_[0, np.cumsum(rises.astype(float))], np.arange(len(rises))
        between = lambda first, end: sums[np.clip(end, 0, len(rises))] - sums[np.clip(first, 0, len(rises))]
        mean = between(index - MEAN_BACK, index + MEAN_AHEAD + 1) / (MEAN_BACK + MEAN_AHEAD + 1)
        blocks = [rises[i : i + BLOCK] for i in range(0, len(rises), BLOCK)]
        noise = np.concatenate([np.full(len(b), np.sort(b)[len(b) // 2]) for b in blocks])
        threshold = mean + THRESHOLD + NOISE * noise
        computed = net > -9.99
        highest = lambda reach: np.lib.stride_tricks.sliding_window_view(np.pad(net, reach, constant_values=-10), 2 * reach + 1).max(1)
        near, wide, beside = highest(REACH), highest(NET_RIVALS), highest(1)
        step = lambda frame: np.minimum(frame // STEPS, len(net) - 1)
        low = peaks(rises, np.where(computed[step(index)], mean + MIN_RISE, threshold))
        found = [(f + offset(rises, f), f, rises[f]) for f in low]
        for s in np.flatnonzero(computed & (net >= MIN_LOG_ODDS) & (net >= near)):
            next_peak = low[np.searchsorted(low, max(0, s - REACH) * STEPS) :][:1]
            if not len(next_peak) or next_peak[0] >= (s + REACH + 1) * STEPS:
                frame = min(STEPS * s + STEPS // 2, len(rises) - 1)
                found.append((s * STEPS + (STEPS - 1) / 2, frame, rises[max(0, frame - BACK) : frame + BACK + 1].max()))
        found.sort(key=lambda c: c[0])
        place, frame, strength = np.array([c[0] for c in found]), np.array([c[1] for c in found]), np.array([c[2] for c in found])

        strokes = peaks(rises, threshold)
        fall = level(rises[strokes]) - level(between(strokes + AFTER[0], strokes + AFTER[1]) / (AFTER[1] - AFTER[0]))
        first, end = np.searchsorted(strokes, frame - AROUND), np.searchsorted(strokes, frame + AROUND, "right")
        around = lambda values, none: np.where(end > first, np.diff(np.r_[0, np.cumsum(values)][np.stack([first, end])], axis=0)[0] / np.maximum(end - first, 1), none)
        odds = np.where(computed[step(frame)], np.clip(near[step(frame)], -MAX_LOG_ODDS, MAX_LOG_ODDS), 0)
        stroke_odds = np.where(computed[step(strokes)], np.clip(near[step(strokes)], -MAX_LOG_ODDS, MAX_LOG_ODDS), 0)
        own = step(place.astype(int))
        rivalry = np.where(computed[own], np.maximum(beside[own] - wide[own], -MAX_RIVALRY), 0)
        above, height = level(strength) - level(threshold[frame]), level(strength)
        percussive = level(around(rises[strokes].astype(float), 0))
        relative = np.full((len(place), 2), MIN_RELATIVE)
        for i in range(len(place)):
            a, b = np.searchsorted(place, place[i] - RIVALS * 200), np.searchsorted(place, place[i] + RIVALS * 200, "right")
            relative[i, 0] = max([MIN_RELATIVE, *(height[a:i] - height[i])])
            relative[i, 1] = max([MIN_RELATIVE, *(height[i + 1 : b] - height[i])])
        ranges = np.pad(np.array(r.ranges), ((0, 0), (PULSE_REACH, PULSE_REACH)), constant_values=-1)
        pulse = np.lib.stride_tricks.sliding_window_view(ranges, 2 * PULSE_REACH + 1, axis=1).max(2)
        pulse = np.clip(pulse[:, np.minimum(np.floor(place / 2 + 0.5).astype(int), pulse.shape[1] - 1)].T, -1, MAX_PULSE)
        self.places = place / fps
        self.features = np.c_[above, height, odds, percussive, level(noise[frame]), odds * percussive, above * percussive, above * odds,
                              np.minimum(odds, 0), height * percussive, relative, rivalry, pulse, around(stroke_odds, 0)]  # fmt: skip
        self.computed, self.above = computed[step(frame)], strength >= threshold[frame]
        self.drums = self.computed & (around(fall, NO_FALL) >= PERCUSSIVE_FALL)


def labelled(truth, places, x):
    """The candidate for each true onset: high, and near it."""
    right, worth = np.zeros(len(places), bool), x[:, 0] + 0.15 * x[:, 2]
    for time in truth:
        first, end = np.searchsorted(places, [time - ONSET_TOLERANCE, time + ONSET_TOLERANCE])
        if end > first:
            right[first + np.argmax(worth[first:end] - 8 * np.abs(places[first:end] - time))] = True
    return right


def picked(found, weights):
    """Places and confidences of those accepted."""
    p = probability(weights[0], found.features)
    p[found.drums] = probability(weights[1], found.features)[found.drums]
    p[~found.computed] = probability(weights[2], found.features)[~found.computed]
    by_threshold, kept = found.drums | ~found.computed, []
    for i in np.flatnonzero(np.where(by_threshold, found.above, p >= MIN_CONFIDENCE)):
        if kept and not by_threshold[i] and found.places[i] - found.places[kept[-1]] < MIN_GAP:
            if p[i] > p[kept[-1]]:
                kept[-1] = i
        else:
            kept.append(i)
    return found.places[kept], p[kept]


def f_measure(truth, found, tolerance=ONSET_TOLERANCE):
    hits = matched(truth, found, tolerance).sum()
    return 2 * hits / max(1, len(truth) + len(found))


def fitted_onsets(examples):
    """Weights with the net; of drums alone; without the net, where only what is above the threshold is an onset."""
    parts = [[], [], []]
    for r in examples:
        found = Candidates(r)
        label = labelled(r.onsets, found.places, found.features)
        above = np.zeros(len(label), bool)
        above[found.above] = matched(r.onsets, found.places[found.above], ONSET_TOLERANCE)
        for part, which, y, mask, share in (
            (parts[0], found.computed & ~found.drums, label, 1, WEIGHTS.get(r.kind, SONG)),
            (parts[1], found.drums & found.above, above, OF_DRUMS, DRUM_WEIGHTS.get(r.kind, DRUM_SONG)),
            (parts[2], found.above, above, WITHOUT_NET, WEIGHTS.get(r.kind, SONG)),
        ):
            part.append((found.features[which] * mask, y[which], np.full(which.sum(), share / len(label))))
    return [fitted(*(np.concatenate(columns).astype(float) for columns in zip(*part))) for part in parts]


def report_onsets(name, examples, weights):
    scores, p, right = [], [], []
    for r in examples:
        found, confidences = picked(Candidates(r), weights)
        crate = [o[0] for o in r.found_onsets]
        scores.append([f_measure(r.onsets, found), f_measure(r.onsets, found, 0.025), f_measure(r.onsets, crate)])
        p.append(confidences)
        right.append(matched(r.onsets, found, ONSET_TOLERANCE))
    reliability(name, np.concatenate(p), np.concatenate(right))
    print("    F ±50 ms {:.3f}, ±25 ms {:.3f}; by the crate as built {:.3f}".format(*np.mean(scores, 0)))


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
    songs = [r for r in held if r.kind in BEAT_KINDS]
    for key, by_net, name in (("found", True, "BY_NET"), ("pulse_beats", False, "BY_PULSE")):
        x, y, weight = beats(songs, key, by_net)
        weights = fitted(x, y, weight, BEAT_RIDGE)
        constant(name, weights)
        reliability("held out", probability(weights, x), y)
        if together:
            x, y, _ = beats(together, key, by_net)
            reliability("corpus", probability(weights, x), y)
    examples = list(tempi(songs))
    w = fitted_tempi(examples)
    print(f"CANDIDATE_SHARPNESS {w[0]:.2f}, MAIN_OFFSET {w[1]:.2f}, MAIN_SLOPE {w[2]:.2f}")
    for name, rs in (("held out", examples), ("corpus", list(tempi(together)))):
        if rs:
            reliability(name, np.concatenate([tempo_weights(w, s, c) for s, c, _ in rs]), np.concatenate([ok for *_, ok in rs]))
    examples = [r for r in held if r.onsets is not None and len(r.onsets) > 8]
    weights = fitted_onsets(examples)
    for name, values in zip(("BY_NET", "OF_DRUMS", "WITHOUT_NET"), weights):
        constant(name, values)
    for kind in sorted({r.kind for r in examples}):
        report_onsets(kind, [r for r in examples if r.kind == kind], weights)
    for folder in ("drums", "singing"):
        if folder in corpus:
            report_onsets(f"{folder}/", [r for r in corpus[folder] if r.onsets is not None], weights)


if __name__ == "__main__":
    main()
