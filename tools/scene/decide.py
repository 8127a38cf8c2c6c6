"""Tries other numbers of the decision (scene/classifier.rs) in seconds, without building the crate.

    python3 tools/scene/decide.py --program target/release/examples/scene_features --corpus ../shared/corpus \\
        [--programmes FOLDER ...] [--try music_offset=-1.5,boundary=3 ...]

A copy of the crate's segmentation in numpy: what the crate measures (activities, features, textures, silences) is kept in a
cache, so that each further try takes a second. Without `--try` it prints the figures of the numbers in use, which equal
those of evaluate.py.
"""

import argparse
import json
import math
import pathlib
import pickle
import re
import subprocess
import tempfile

import evaluate
import numpy as np
from net import maxima

USED = {"speaking_weight": 0.1, "voice_weight": 1.0, "speech_offset": -1.0, "music_weight": 0.8, "music_offset": -1.2,
        "isolated_voice_weight": 4.0, "isolated_speech_offset": 0.0, "boundary": 4.0, "switch": 11.0,
        "evidence": 0.25}  # fmt: skip
CALIBRATION = [(2.06, 0.56), (1.0, 0.0), (0.75, -0.56)]
MIN_FRAMES = (8, 40, 31)
MIN_PIECE_CELLS = 20
ISOLATED_CELLS = 125
FOLDERS = ["programme", "sounds", "beats", "beats_closed", "singing", "drums"]
MODEL = pathlib.Path(__file__).parents[2] / "crates/audio_signal/src/scene/model.rs"


def regressions():
    """Scales of the features, and weights with the bias of each regression, as they are in the crate."""
    text = MODEL.read_text()
    scales = re.findall(r"\((-?[\d.]+), (-?[\d.]+)\),", text[text.index("const SCALES") : text.index("const MUSIC")])
    numbers = lambda name: [float(x) for x in re.findall(r"-?\d+\.\d+", text[text.index(f"const {name}:") :])[:12]]
    return np.array(scales, float), {name: np.array(numbers(name)) for name in ("MUSIC", "SPEAKING")}


def log_odds(p):
    return np.clip(np.log(np.maximum(p, 1e-6) / np.maximum(1 - p, 1e-6)), -6, 6)


def logistic(x):
    return 1 / (1 + np.exp(-np.clip(x, -87, 87)))


def probabilities(activities, features, isolated, numbers):
    """Of speech, music and other in each frame, given which frames are of a short sound between silences."""
    scales, weights = regressions()
    standard = np.clip((features[:, :9] - scales[:, 0]) / scales[:, 1], -3, 3)
    inputs = np.c_[standard, standard[:, 0] * standard[:, 7], standard[:, 3] ** 2, np.ones(len(standard))]
    voice = features[:, 9]
    speaking = log_odds(voice * logistic(inputs @ weights["SPEAKING"]))
    spoken = log_odds(activities[:, 0]) + numbers["speaking_weight"] * speaking
    song = activities[:, 1] * (1 - activities[:, 0])
    voice_weight = np.where(isolated, numbers["isolated_voice_weight"], numbers["voice_weight"])
    offset = np.where(isolated, numbers["isolated_speech_offset"], numbers["speech_offset"])
    spoken = logistic(spoken + voice_weight * (voice - 0.5) + offset) * (1 - song)
    musical = log_odds(activities[:, 1:3].max(1)) + numbers["music_weight"] * log_odds(logistic(inputs @ weights["MUSIC"]))
    music = (1 - spoken) * logistic(musical + numbers["music_offset"])
    return np.stack([spoken, music, 1 - spoken - music], 1)


def changes(textures):
    """First frames of the sections between changes of the audio, as in scene/changes.rs."""
    bands = textures[:, 1:19].astype(np.int64)
    sums, squares = (np.r_[np.zeros((1, 18), np.int64), np.cumsum(x, 0)] for x in (bands, bands * bands))
    now = np.arange(len(bands))
    start, end = np.maximum(now - 32, 0), np.minimum(now + 32, len(bands))
    before, after = now - start, end - now

    def log_variance(a, b):
        count = np.maximum(b - a, 1)[:, None]
        mean = (sums[b] - sums[a]) / count
        return np.log(((squares[b] - squares[a]) / count - mean**2) / 4 + 4)

    share = (before / np.maximum(before + after, 1))[:, None]
    ratio = log_variance(start, end) - share * log_variance(start, now) - (1 - share) * log_variance(now, end)
    ratio = np.where(np.minimum(before, after) >= 8, ratio.mean(1), 0)
    found = [0]
    for frame in np.flatnonzero((ratio >= 0.5) & (ratio >= maxima(ratio, 16))):
        if frame >= 1 and (len(found) == 1 or frame - found[-1] >= 16):
            found.append(int(frame))
    return found


def viterbi(emissions, is_boundary, numbers):
    """[(state, first frame, end)] as in scene/path.rs."""
    count, sums = len(emissions), np.r_[np.zeros((1, 3)), np.cumsum(emissions, 0)].tolist()
    rows, scores, steps = emissions.tolist(), [[0.0] * 3], [[None] * 3]
    costs = [numbers["boundary"] if at else numbers["switch"] for at in is_boundary]
    for end in range(1, count + 1):
        score = [scores[end - 1][k] + rows[end - 1][k] for k in range(3)]
        step = [None] * 3
        for state, least in enumerate(MIN_FRAMES):
            start = end - least
            if start <= 0:
                continue
            gained = sums[end][state] - sums[start][state] - costs[start]
            for origin in range(3):
                if origin != state and start >= MIN_FRAMES[origin] and scores[start][origin] + gained > score[state]:
                    score[state], step[state] = scores[start][origin] + gained, origin
        scores.append(score)
        steps.append(step)
    end = at = count
    state, found = int(np.argmax(scores[count])), []
    while at > 0:
        origin = steps[at][state]
        if origin is None:
            at -= 1
            continue
        start = at - MIN_FRAMES[state]
        found.append((state, start, end))
        state, at, end = origin, start, start
    return [(state, 0, end), *found[::-1]] if end else found[::-1]


def merged(pieces):
    """Without pieces that are too short, as in scene/classifier.rs."""
    while len(pieces) > 1:
        index = next((i for i, (_, a, b) in enumerate(pieces) if b - a < MIN_PIECE_CELLS), None)
        if index is None:
            break
        _, start, end = pieces.pop(index)
        if index:
            pieces[index - 1][2] = end
        else:
            pieces[0][1] = start
        if 0 < index < len(pieces) and pieces[index - 1][0] == pieces[index][0]:
            pieces[index - 1][2] = pieces.pop(index)[2]
    return pieces


class Recording:
    """What the crate measures of a recording."""

    def __init__(self, activities, features, textures, rows):
        self.activities, self.features = activities, features
        cells = lambda second: round(second / 0.008)
        self.silences = [(cells(a), cells(b), c) for a, b, kind, c, *_ in rows if kind == "silence"]
        self.cells = max((cells(b) for _, b, *_ in rows), default=0)
        self.changes = changes(textures)
        level = textures[:, 0]
        self.salience = np.clip((level - maxima(level, 31) + 30) / 15, 0, 1)

    def gaps(self):
        """Ranges of cells that are not silent."""
        edges = [0, *(edge for a, b, _ in self.silences for edge in (a, b)), self.cells]
        return [(first, last) for first, last in zip(edges[::2], edges[1::2]) if first < last]

    def isolated(self):
        """Which frames are of a short sound between silences."""
        isolated = np.zeros(len(self.salience), bool)
        for first, last in self.gaps():
            if last - first < ISOLATED_CELLS:
                isolated[first // 4 : -(-last // 4)] = True
        return isolated

    def segments(self, numbers):
        """Rows as of evaluate.segmented."""
        p, count = probabilities(self.activities, self.features, self.isolated(), numbers), len(self.salience)
        silent = np.zeros(count, bool)
        for a, b, _ in self.silences:
            silent[-(-a // 4) : min(b // 4, count)] = True
        emissions = numbers["evidence"] * self.salience[:, None] * np.log(np.clip(p, 0.02, 1))
        emissions[silent] = 0
        is_boundary = silent.copy()
        is_boundary[self.changes] = True
        path = [(k, 4 * a, 4 * b) for k, a, b in viterbi(emissions, is_boundary, numbers)]
        rows = [(a * 0.008, b * 0.008, "silence", c, False, False) for a, b, c in self.silences]
        for first, last in self.gaps():
            # The last cells may be less than a frame.
            inside = [[k, max(a, first), min(b, last) if b < path[-1][2] else last] for k, a, b in path if b > first and a < last]
            rows += [self.row(p, *piece) for piece in merged(inside)]
        return sorted(rows)

    def mean(self, start, end, values):
        """Of the values of the frames of these cells, by their salience."""
        last = min(-(-end // 4), len(self.salience))
        frames = slice(min(start // 4, max(last - 1, 0)), last)
        weight = self.salience[frames] + 1e-3
        return float((weight * values[frames]).sum() / max(weight.sum(), 1e-9))

    def row(self, p, state, start, end):
        slope, offset = CALIBRATION[state]
        confidence = 1 / (1 + math.exp(-(slope * self.mean(start, end, log_odds(p[:, state])) + offset)))
        over = state == 0 and self.mean(start, end, self.activities[:, 2] >= 0.5) > 0.5
        sung = state == 1 and self.mean(start, end, self.activities[:, 1] >= 0.5) >= 0.15
        return start * 0.008, end * 0.008, ["speech", "music", "other"][state], confidence, over, sung


def measured(program, paths):
    """A Recording of each path."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = {}
        for mode, width in (("activities", 4), ("features", 10), ("textures", 42)):
            jobs = "".join(f"{path} {folder}/{mode}{index}\n" for index, path in enumerate(paths))
            subprocess.run([program, mode], input=jobs, text=True, check=True)
            arrays[mode] = [np.fromfile(f"{folder}/{mode}{index}", "<f4").reshape(-1, width) for index in range(len(paths))]
        return [Recording(*parts) for parts in zip(*arrays.values(), evaluate.segmented(program, paths))]


def report(name, paths, recordings, numbers):
    found = [recording.segments(numbers) for recording in recordings]
    if paths[0].with_suffix(".json").exists():
        score = evaluate.Score()
        for path, rows in zip(paths, found):
            score.add(json.loads(path.with_suffix(".json").read_text()), rows)
        print(f"{name:14}F " + " ".join(f"{f:.3f}" for f in score.f()) + f"  ECE {score.ece()[0]:.3f}  events {len(score.events)}")
    elif name == "sounds":
        for kind in ("music", "speech"):
            most = [max((row[3] for row in rows if row[2] == kind), default=0) for rows in found]
            print(f"{name:14}false {kind} in {sum(c > 0 for c in most)} of {len(most)}, at 0.95 in {sum(c >= 0.95 for c in most)}")
    else:
        length = lambda rows, kind: sum(b - a for a, b, k, *_ in rows if kind in (None, k))
        shares = [length(rows, "music") / max(1e-9, length(rows, None)) for rows in found]
        print(f"{name:14}music {np.mean(shares):.3f}, least {min(shares):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the built example `scene_features`")
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--programmes", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--cache", type=pathlib.Path, help="file; delete it when the program changes")
    parser.add_argument("--try", dest="tries", nargs="*", default=[""], help="NAME=VALUE,... of " + ", ".join(USED))
    arguments = parser.parse_args()
    cache = {}
    if arguments.cache and arguments.cache.exists():
        cache = pickle.loads(arguments.cache.read_bytes())
    sets = {}
    for folder in [*(arguments.corpus / name for name in FOLDERS), *arguments.programmes]:
        paths = sorted(p for p in folder.iterdir() if p.suffix in (".flac", ".mp3", ".wav", ".ogg"))
        new = [path for path in paths if path not in cache]
        cache.update(zip(new, measured(arguments.program, new)))
        sets[folder.name] = paths
    if arguments.cache:
        arguments.cache.write_bytes(pickle.dumps(cache))
    for text in arguments.tries:
        given = dict(part.split("=") for part in text.split(",") if part)
        print(given or "in use")
        for name, paths in sets.items():
            report(name, paths, [cache[path] for path in paths], {**USED, **{k: float(v) for k, v in given.items()}})


if __name__ == "__main__":
    main()
