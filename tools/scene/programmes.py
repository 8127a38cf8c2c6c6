"""Makes programmes of two minutes whose truth is known: speech, music, silence and other sounds in turn.

    python3 tools/scene/programmes.py packages heldout/programme
    HARKBACK_CORPUS=$PWD/heldout make quality TABLES=segments

out of the half of recordings.py that nothing is fitted on (`--half fit` for the other), 36 by default, seeded. Half are in
the order speech, silence, music, other; half in random order. Variants: plain, over a noise floor, as MP3 at 64 kbit/s, band
of a telephone, short events, speech over music, solo instruments (fitting half), levels 20 dB apart. Pauses of speech of
0.4 s and more are silence; the truth is silent about such pauses in music and other sounds. Needs numpy, scipy and ffmpeg.
"""

import argparse
import json
import pathlib
import subprocess

import numpy as np
import recordings
from recordings import RATE, at_level, levels, load, trimmed
from scipy.signal import butter, sosfilt

VARIANTS = ["plain"] * 10 + ["floor"] * 4 + ["mp3"] * 3 + ["phone"] * 3 + ["short"] * 4 + ["bed"] * 4 + ["solo"] * 4
VARIANTS += ["levels"] * 4
SOLO = ["instruments", "world-music", "tux-instruments"]
RATES = {"phone": 8_000, "mp3": 44_100, "levels": 44_100}
# Fainter than the loud parts by this much, in dB, for 0.4 s: a pause.
PAUSE_DB = {"speech": 38, "music": 42, "other": 42}


def silence(seconds):
    return np.zeros(int(seconds * RATE), np.float32)


class Source:
    """Draws pieces of each kind from the clips of a half."""

    def __init__(self, clips, rng):
        self.clips, self.rng = clips, rng

    def draw(self, kind, types=()):
        known = sorted(self.clips[kind])
        known = [t for t in known if t in types] or known
        type_ = known[self.rng.integers(len(known))]
        paths = self.clips[kind][type_]
        return type_, paths[self.rng.integers(len(paths))]

    def speech(self, seconds):
        """One voice: prompts a quarter of a second to a second apart."""
        type_, _ = self.draw("speech")
        x = silence(0)
        while len(x) <= seconds * RATE:
            _, path = self.draw("speech", [type_])
            prompt = trimmed(load(path), 38)
            if len(prompt) >= 0.9 * RATE:
                gap = silence(self.rng.uniform(0.25, 1) if len(x) else 0)
                x = np.concatenate([x, gap, at_level(prompt, -20)])
        return type_, x

    def music(self, seconds, types=()):
        while True:
            type_, path = self.draw("music", types)
            x, count = load(path), int(seconds * RATE)
            start = self.rng.integers(0, max(1, len(x) - count))
            piece = x[start : start + count]
            loud = np.percentile(levels(x), 95)
            faint = np.percentile(levels(piece), 30) < loud - 35 or np.percentile(levels(piece), 95) < -50
            if len(piece) >= min(count, 2 * RATE) and not faint:
                return type_, piece

    def other(self, seconds):
        while True:
            type_, path = self.draw("other")
            x, count = trimmed(load(path)), int(seconds * RATE)
            if len(x) < 0.3 * RATE:
                continue
            if len(x) > count:
                start = self.rng.integers(0, len(x) - count)
                return type_, x[start : start + count]
            while len(x) < count:  # more of the kind, after a breath
                again = path if self.rng.random() < 0.5 else self.draw("other", [type_])[1]
                more = trimmed(load(again))
                more = more if len(more) >= 0.1 * RATE else x
                gap = silence(self.rng.uniform(0.05, 0.35))
                x = np.concatenate([at_level(x, -20), gap, at_level(more, -20) * self.rng.uniform(0.6, 1.2)])
            return type_, trimmed(x[:count])


def faded(x, seconds):
    """Fades in and out."""
    count = min(int(seconds * RATE), len(x) // 2)
    ramp = np.ones(len(x))
    ramp[:count] = np.linspace(0, 1, count)
    ramp[len(x) - count :] = np.linspace(1, 0, count)
    return x * ramp


def pauses(kind, x):
    """(start, end) in seconds of what is faint for 0.4 s or more."""
    level = levels(x)
    quiet = np.concatenate([[0], level < np.percentile(level, 95) - PAUSE_DB[kind], [0]]).astype(int)
    edges = np.flatnonzero(np.diff(quiet))
    return [(a / 100, b / 100) for a, b in zip(edges[::2], edges[1::2]) if b - a >= 40]


def piece(source, kind, variant):
    """(type, samples, pauses) of one event."""
    rng, short = source.rng, variant == "short"
    if kind == "silence":
        return "", silence(rng.uniform(1, 3.4)), []
    if kind == "speech":
        type_, x = source.speech(rng.uniform(0.8, 2) if short else rng.uniform(2, 12))
    elif kind == "music":
        type_, x = source.music(rng.uniform(1.8, 3.5) if short else rng.uniform(6, 12), SOLO if variant == "solo" else ())
    else:
        type_, x = source.other(rng.uniform(1.5, 3) if short else rng.uniform(3, 6))
    x = at_level(x, rng.uniform(-36, -14) if variant == "levels" else rng.uniform(-24, -17))
    if kind == "other":
        x = x * 10 ** (-rng.uniform(2, 8) / 20)
    x = faded(x, rng.uniform(0.05, 0.3) if kind != "speech" and rng.random() < 0.3 else 0.004)
    found = pauses(kind, x)
    if kind == "speech" and variant == "bed" and rng.random() < 0.6:
        _, bed = source.music(len(x) / RATE + 0.1)
        bed = at_level(bed, -20)[: len(x)]
        x = x + np.pad(bed, (0, len(x) - len(bed))) * 10 ** (-rng.uniform(10, 18) / 20)
        type_ += "+music"
    return type_, x, found


def order(rng, index):
    if index % 2 == 0:
        return ["speech", "silence", "music"] + (["other"] if rng.random() < 0.7 else [])
    kinds = list(rng.permutation(["speech", "music", "other"]))
    if rng.random() < 0.7:
        kinds.insert(rng.integers(0, 4), "silence")
    return kinds


def events_of(kind, type_, start, end, found):
    """Of one piece: its sounding parts, and the pauses of speech that stands alone."""
    at = start
    for a, b in found:
        yield {"kind": kind, "type": type_, "start_s": at, "end_s": start + a}
        if kind == "speech" and "+" not in type_:
            yield {"kind": "silence", "type": type_, "start_s": start + a, "end_s": start + b}
        at = start + b
    yield {"kind": kind, "type": type_, "start_s": at, "end_s": end}


def programme(clips, index):
    """(variant, samples, events)."""
    variant = VARIANTS[index % len(VARIANTS)]
    rng = np.random.default_rng([index, 7])
    source, target = Source(clips, rng), rng.uniform(115, 150)
    parts, events, at, last = [], [], 0.0, None
    while at < target:
        for kind in order(rng, index):
            if kind == last:
                continue
            last = kind
            type_, x, found = piece(source, kind, variant)
            end = at + len(x) / RATE
            events += events_of(kind, type_, at, end, found)
            parts.append(x)
            at = end
    floor = rng.uniform(-62, -52) if variant == "floor" else rng.uniform(-78, -66)
    x = np.concatenate(parts)
    x = x + 10 ** (floor / 20) * rng.standard_normal(len(x))
    if variant == "phone":
        x = sosfilt(butter(4, [300, 3400], "band", fs=RATE, output="sos"), x)
    rounded = [{**e, "start_s": round(e["start_s"], 3), "end_s": round(e["end_s"], 3)} for e in events]
    return variant, np.clip(x, -1, 1), [e for e in rounded if e["end_s"] - e["start_s"] > 0.005]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=pathlib.Path, help="unpacked packages (see recordings.py)")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--half", choices=[recordings.FIT, recordings.REPORT], default=recordings.REPORT)
    parser.add_argument("--count", type=int, default=len(VARIANTS))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    clips = recordings.clips(arguments.packages, arguments.half)
    for index in range(arguments.count):
        variant, x, events = programme(clips, index)
        mp3 = variant == "mp3"
        path = arguments.out / f"{variant}_{index:02}.{'mp3' if mp3 else 'flac'}"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "-"]
        command += ["-ar", str(RATES.get(variant, RATE)), *(["-b:a", "64k"] if mp3 else ["-sample_fmt", "s16"]), path]
        subprocess.run(command, input=x.astype("<f4").tobytes(), check=True)
        truth = {"duration_s": round(len(x) / RATE, 3), "variant": variant, "events": events}
        path.with_suffix(".json").write_text(json.dumps(truth, indent=0))


if __name__ == "__main__":
    main()
