"""Scores a rhythm net: `evaluate.py NET.pkl FOLDER…` of corpus_features.py's or songs.py's files. The decoding is that of
crates/audio_signal/src/rhythm/{path,bars}.rs."""

import argparse
import pathlib
import pickle

import jax
import net
import numpy as np
from train import held_out, load

SLOWEST, FASTEST, RATIO = 45.0, 220.0, 1.02
REACH = 4


class Decoder:
    """Without the beats by the pulse, which only the crate has: its figures are those of `make quality TABLES=beats`."""

    def __init__(self, change=5.0, prior=1.0, centre=105.0, width=0.6):
        self.change = change
        count = int(np.ceil(np.log(FASTEST / SLOWEST) / np.log(RATIO)))
        self.bpm = FASTEST / RATIO ** np.arange(count)
        self.prior = -prior * 0.5 * (np.log2(self.bpm / centre) / width) ** 2

    def beats(self, activation, rise, fps):
        """Frames of the best beats."""
        n, k = len(activation), len(self.bpm)
        p = np.clip(activation, 1e-4, 1 - 1e-4)
        value = np.clip(np.log(p / (1 - p)), -3, 3) + 0.5 * rise
        period = 60 * fps / self.bpm
        low, high = np.floor(period).astype(int), np.ceil(period).astype(int)
        most = high.max()
        G = np.full((n + most, k), -np.inf)  # the best score of a beat there that goes on at a tempo
        origin = np.zeros((n, k), np.int32)  # tempo of the beat before
        back = np.zeros((n, k), np.int32)
        S = np.full((n, k), -np.inf)
        cost = self.change * np.abs(np.arange(-REACH, REACH + 1)) * np.log(RATIO) * 10
        columns = np.arange(k)
        for t in range(n):
            a, b = G[t + most - low, columns], G[t + most - high, columns]
            best = np.maximum(a, b)
            interval = np.where(a >= b, low, high)
            start = best == -np.inf
            best = np.where(start, 0, best)
            S[t] = value[t] + best + self.prior
            back[t] = np.where(start, 0, interval)
            padded = np.pad(S[t], REACH, constant_values=-np.inf)
            options = np.stack([padded[o : o + k] for o in range(2 * REACH + 1)]) - cost[:, None]
            origin[t] = options.argmax(0) - REACH + columns
            G[t + most] = options.max(0)
        first = max(0, n - most)
        t, tempo = np.unravel_index(S[first:].argmax(), S[first:].shape)
        t += first
        beats = [t]
        while back[t, tempo]:
            t -= back[t, tempo]
            tempo = origin[t, tempo]
            beats.append(t)
        return np.array(beats[::-1]), S.max()


def standardised(rise, reach=200):
    """The onset function in local deviations."""
    rise = rise.astype(float)
    window = np.ones(2 * reach + 1)
    count = np.convolve(np.ones(len(rise)), window, "same")
    mean = np.convolve(rise, window, "same") / count
    deviation = np.sqrt(np.maximum(np.convolve(rise**2, window, "same") / count - mean**2, 0))
    return np.minimum((rise - mean) / (deviation + 0.3 * deviation.mean() + 1), 5)


def refined(activation, frames):
    out = []
    for f in frames:
        offset = 0.0
        near = max(range(max(f - 1, 0), min(f + 2, len(activation))), key=lambda i: activation[i])
        f = near
        if 0 < f < len(activation) - 1:
            l, t, r = activation[f - 1 : f + 2]
            bend = l - 2 * t + r
            offset = np.clip(0.5 * (l - r) / bend, -0.5, 0.5) if bend < 0 else 0
        out.append(f + offset)
    return np.array(out)


def gated(activation, beats, clear, least):
    """The runs of beats whose mean activation over ±6 beats is enough."""
    if len(beats) < 4:
        return beats[:0]
    p = np.array([activation[max(b - 1, 0) : b + 2].max() for b in beats])
    window = np.ones(13)
    local = np.convolve(p, window, "same") / np.convolve(np.ones(len(p)), window, "same")
    keep, start = np.zeros(len(beats), bool), None
    for i in range(len(beats) + 1):
        if i < len(beats) and local[i] >= least:
            start = i if start is None else start
        elif start is not None:
            if local[start:i].max() >= clear and i - start >= 4:
                keep[start:i] = True
            start = None
    return beats[keep]


def downbeats(activation, beats, change=4.0, bias=0.8, costs={3: 2.0, 4: 0.0, 5: 5.0, 6: 4.0, 7: 6.0}):
    """Indices of the beats that are downbeats, and the metre."""
    if len(beats) < 4:
        return np.array([], int), 4
    p = np.clip(np.array([activation[max(b - 1, 0) : b + 2].max() for b in beats]), 1e-3, 1 - 1e-3)
    value = np.clip(np.log(p / (1 - p)), -4, 4) + bias
    found = []
    for metre, cost in costs.items():
        best, trail = np.zeros(metre), []
        for v in value:
            moved = np.roll(best, 1)
            jump = best.max() - change
            trail.append(np.where(moved >= jump, (np.arange(metre) - 1) % metre, best.argmax()))
            best = np.maximum(moved, jump)
            best[0] += v
        found.append((best.max() - cost, metre, best.argmax(), trail))
    _, metre, position, trail = max(found, key=lambda f: f[0])
    positions = []
    for step in reversed(trail):
        positions.append(position)
        position = step[position]
    return np.flatnonzero(np.array(positions[::-1]) == 0), metre


def f_measure(truth, found, tolerance):
    i = j = hits = 0
    while i < len(truth) and j < len(found):
        if abs(truth[i] - found[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / (len(truth) + len(found)) if hits else 0.0


def picked(activation, threshold):
    peaks = [i for i in range(len(activation)) if activation[i] >= threshold and activation[i] == activation[max(0, i - 2) : i + 3].max()]
    return refined(activation, peaks)


def merged(times, gap=0.03):
    kept = []
    for t in sorted(times):
        if not kept or t - kept[-1] > gap:
            kept.append(t)
    return np.array(kept)


def activations(p, items):
    run = jax.jit(net.run)
    found = {}
    for name, item in items.items():
        x = net.scaled(item["features"])
        found[name] = np.asarray(jax.nn.sigmoid(run(p, x[None])[0]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--change", type=float, default=5.0)
    parser.add_argument("--prior", type=float, default=1.0)
    parser.add_argument("--clear", type=float, default=0.3)
    parser.add_argument("--least", type=float, default=0.15)
    parser.add_argument("--onset", type=float, default=0.35)
    parser.add_argument("-v", action="store_true")
    arguments = parser.parse_args()
    p = pickle.load(open(arguments.net, "rb"))
    decoder = Decoder(arguments.change, arguments.prior)
    for folder in arguments.folders:
        items = load(folder)
        if any(name.startswith(("pop909_", "made_", "sung_", "loop_", "expressive_")) for name in items):
            items = {name: item for name, item in items.items() if held_out(name)}
        rows, groups = [], {}
        for name, a in activations(p, items).items():
            item = items[name]
            fps = float(item["frames_per_second"])
            time = lambda f: (np.asarray(f) + 0.375) / fps
            beat = np.maximum(a[:, 0], a[:, 1])
            frames, _ = decoder.beats(beat, standardised(item["features"][:, -1]), fps) if len(beat) > 100 else (np.array([], int), 0)
            frames = gated(beat, frames, arguments.clear, arguments.least)
            found = time(refined(beat, frames))
            down, metre = downbeats(a[:, 1], frames)
            row = {"name": name, "beats": len(found)}
            late = lambda t: np.asarray(t)[np.asarray(t) >= 3]
            if len(item["beats"]) and not item.get("beatless", False):
                row["f"] = f_measure(late(item["beats"]), late(found), 0.07)
                half = found[:-1] + np.diff(found) / 2
                row["half"] = f_measure(late(item["beats"]), late(half), 0.07)
                row["double"] = f_measure(late(item["beats"]), late(np.sort(np.concatenate([found, half]))), 0.07)
                row["slow"] = max([f_measure(late(item["beats"]), late(found[o::2]), 0.07) for o in (0, 1)])
                true = item["beats"][item["positions"] == 1]
                if len(true):
                    row["down"] = f_measure(late(true), late(found[down]), 0.07)
            if len(item["onsets"]):
                onsets = item["onsets"][:, 0] if item["onsets"].ndim == 2 else item["onsets"]
                row["onsets"] = f_measure(merged(onsets), time(picked(a[:, 2], arguments.onset)), 0.05)
            row["top"] = float(np.sort(beat)[-max(1, len(beat) // 50)]) if len(beat) else 0
            if arguments.v:
                print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, metre)
            rows.append(row)
            groups.setdefault(name.rsplit("_", 1)[0] if name.startswith(("pop909", "made", "mma", "loop", "expressive", "sung", "groove")) else "", []).append(row)
        for group, rows in groups.items():
            values = lambda key: [r[key] for r in rows if key in r]
            mean = lambda key: f"{np.mean(values(key)):.3f}" if values(key) else "-"
            worst = sum(f < 0.3 for f in values("f"))
            phase = sum(r["f"] < 0.2 and r["half"] > 0.6 for r in rows if "f" in r)
            octave = sum(r["f"] < 0.75 and max(r["double"], r["slow"]) > 0.75 for r in rows if "f" in r)
            print(pathlib.Path(folder).name, group, len(rows), "f", mean("f"), "down", mean("down"), "onsets", mean("onsets"), "with beats", sum(r["beats"] > 0 for r in rows), "| F<.3", worst, "half", phase, "octave", octave)


if __name__ == "__main__":
    main()
