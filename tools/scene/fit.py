"""Fits the regressions that tell music from other sounds, and speaking from singing and other voices.

    python3 tools/scene/fit.py --features target/release/examples/scene_features --corpus ../shared/corpus \\
        --packages packages

prints the constants of crates/audio_signal/src/scene/model.rs (SCALES, MUSIC, SPEAKING) and, with `--report`, how often
each type of sound is told right by a fit that never met that type. Needs numpy, scipy and ffmpeg; with espeak-ng there is
synthetic speech too.

Material: everything in material.py; the half of recordings.py that is for fitting; of the corpus classes/, beats/,
drums/ (music), asr/, vad/, classes/ (speech). Never programme/, which is what the result is scored on, nor the other half
of recordings.py. Programmes quote some of the pieces above, so `--without PIECE ...` leaves pieces out, to see what
that is worth.
"""

import argparse
import pathlib
import subprocess
import tempfile

import material
import numpy as np
import recordings

NAMES = ["persistence", "notes", "pulse", "level_spread", "peakiness_spread", "flux_unevenness", "flux", "peakiness",
         "voice"]  # fmt: skip
PRODUCTS = [("persistence", "peakiness"), ("level_spread", "level_spread")]
INPUTS = NAMES + ["*".join(pair) for pair in PRODUCTS]
# How much more (or less) a task's answers weigh: rather something else than music; voices speak more often than they sing.
PRIOR = {"music": {0: 2.5, 1: 1.0}, "speaking": {0: 1.0, 1: 10.0}}
FARTHEST = 3.0
TEXT = (
    "The morning train was late again, and nobody on the platform knew why. She read the letter twice, folded it, "
    "and put it back. In nineteen forty one the harbour froze; the boats lay still until the end of March. "
)


def load(path):
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def save(path, samples):
    """A 32-bit float WAV file at 16 kHz."""
    data = samples.astype("<f4").tobytes()
    header = b"RIFF" + np.uint32(36 + len(data)).tobytes() + b"WAVEfmt " + np.uint32(16).tobytes()
    header += np.array([3, 1], "<u2").tobytes() + np.array([16000, 64000], "<u4").tobytes()
    header += np.array([4, 32], "<u2").tobytes() + b"data" + np.uint32(len(data)).tobytes()
    path.write_bytes(header + data)


def spoken(corpus):
    """(name, samples) of voices that speak, with nothing else."""
    for path in sorted([*corpus.glob("asr/*.wav"), *corpus.glob("classes/speech*"), *corpus.glob("vad/*.flac")]):
        yield "speech:" + path.stem, load(path)
    for voice in ["en-us", "en-gb", "de", "fr-fr", "es", "it", "en-us+f3", "en-gb+f5", "pl", "nl"]:
        command = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", TEXT]
        try:
            wav = subprocess.run(command, capture_output=True, check=True).stdout
        except (FileNotFoundError, subprocess.CalledProcessError):
            continue
        command = ["ffmpeg", "-v", "error", "-i", "-", "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
        pcm = subprocess.run(command, input=wav, capture_output=True, check=True).stdout
        yield "espeak:" + voice, np.frombuffer(pcm, np.float32)


def recorded_music(corpus):
    """(name, samples) of music, some with voices."""
    paths = [*corpus.glob("beats/*.flac"), *corpus.glob("drums/*.flac"), *corpus.glob("classes/music*")]
    for path in sorted([*paths, *corpus.glob("classes/song*")]):
        yield "music:" + path.stem, load(path)


def packaged(packages):
    """(kind, type, name, samples) of real recordings, pieces of 12 s at most; speech is several prompts in a row."""
    rng = np.random.default_rng(5)
    longest = 12 * recordings.RATE
    pause = lambda least, most: np.zeros(int(rng.uniform(least, most) * recordings.RATE), np.float32)
    for kind, types in recordings.clips(packages, recordings.FIT).items():
        for type_, paths in types.items():
            if kind == "speech":
                paths = [paths[i] for i in rng.choice(len(paths), 120, replace=False)]
                voices = [recordings.trimmed(recordings.load(p), 38) for p in paths]
                voices = [recordings.at_level(x, -20) for x in voices if len(x) > recordings.RATE // 2]
                for index in range(0, len(voices) - 3, 4):
                    parts = [part for x in voices[index : index + 4] for part in (x, pause(0.2, 0.6))]
                    yield kind, type_, paths[index].stem, np.concatenate(parts)
                continue
            for path in paths:
                x = recordings.load(path) if kind == "music" else recordings.trimmed(recordings.load(path))
                if len(x) < 0.3 * recordings.RATE:
                    continue
                for _ in range(2 if kind == "music" else 1):
                    start = rng.integers(0, max(1, len(x) - longest))
                    piece = x[start : start + longest]
                    if np.median(recordings.levels(piece)) < -60:
                        continue
                    piece = recordings.at_level(piece, -20)
                    while kind == "other" and len(piece) < 5 * recordings.RATE:
                        again = recordings.at_level(x, -20) * rng.uniform(0.6, 1.2)
                        piece = np.concatenate([piece, pause(0.05, 0.35), again])
                    yield kind, type_, path.stem, piece


def level(samples):
    """Mean power of what is not a pause."""
    frames = (samples[: len(samples) // 512 * 512].reshape(-1, 512) ** 2).mean(1)
    return frames[frames > frames.max() * 1e-3].mean()


def mixed(rng, voice, under, decibels):
    """`voice` over something `decibels` fainter."""
    start = rng.integers(0, max(1, len(under) - len(voice)))
    bed = np.resize(under[start:], len(voice))
    return voice + bed * np.sqrt(level(voice) / level(bed) * 10 ** (-decibels / 10))


def examples(corpus, packages, without):
    """(task labels, type, samples): the label of each task is 0, 1 or None where the sound tells nothing of it."""
    keep = lambda name: not any(piece in name for piece in without)
    made = [("other:" + n.split("-")[0], x) for n, x in material.others(1)]
    composed = [("made:" + n.split("-")[0], x) for n, x in material.musics(1)]
    played = [(n, x) for n, x in recorded_music(corpus) if keep(n)]
    voices = [(n, x) for n, x in spoken(corpus) if keep(n)]
    real = list(packaged(packages)) if packages else []
    noises = made + [(f"real-other:{t}", x) for kind, t, _, x in real if kind == "other"]
    music = played + [(f"real-music:{t}", x) for kind, t, _, x in real if kind == "music"]
    voices += [(f"real-speech:{t}", x) for kind, t, _, x in real if kind == "speech"]
    for name, x in noises:
        rng = np.random.default_rng([3, len(x)])
        yield {"music": 0, "speaking": 0}, name, material.varied(rng, x)
    for name, x in composed:
        yield {"music": 1}, name, x
    for name, x in music:
        rng = np.random.default_rng(len(x))
        yield {"music": 1, "speaking": 0}, name, x
        yield {"music": 1, "speaking": 0}, name, material.varied(rng, x)
    for index, (name, x) in enumerate(voices):
        rng = np.random.default_rng([7, index])
        yield {"speaking": 1}, name, x
        times = 1 if name.startswith("real") else 4
        for _ in range(times):
            noise = noises[rng.integers(len(noises))][1]
            yield {"speaking": 1}, name, mixed(rng, x, noise, rng.uniform(10, 35))
        for k in range(times + 1):
            pool = composed if k == 4 else music
            bed = pool[rng.integers(len(pool))][1]
            yield {"speaking": 1}, name, mixed(rng, x, bed, rng.uniform(4, 22))


def extract(program, sounds):
    """The features of each frame as the crate sees them, and its own speech probability."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, samples in enumerate(sounds):
            paths.append(pathlib.Path(folder, f"{index}.wav"))
            save(paths[-1], samples)
        jobs = "".join(f"{path} {path}.f32\n" for path in paths)
        subprocess.run([program, "features"], input=jobs, text=True, check=True)
        return [np.fromfile(f"{path}.f32", "<f4").reshape(-1, len(NAMES) + 1) for path in paths]


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


class Task:
    """One question, with the frames that tell of it."""

    def __init__(self, name, rows, scales, use):
        self.name, self.use = name, use
        self.rows = []
        for labels, kind, features in rows:
            if labels.get(name) is None:
                continue
            heard = features[:, -1] >= 0.5 if name != "music" else slice(None)
            frames = features[:, :-1][heard][::6]
            if len(frames):
                self.rows.append((labels[name], kind, inputs(frames, scales)[:, use]))

    def fit(self, without=None):
        rows = [row for row in self.rows if row[1] != without]
        kinds = {(label, kind) for label, kind, _ in rows}
        frames, pieces = {key: 0 for key in kinds}, {key: 0 for key in kinds}
        for label, kind, x in rows:
            frames[label, kind] += len(x)
            pieces[label, kind] += 1
        # A type weighs as the root of the number of its pieces.
        total = {label: sum(n**0.5 for (other, _), n in pieces.items() if other == label) for label in (0, 1)}
        share = lambda key: pieces[key] ** 0.5 / total[key[0]] / frames[key]
        weights = [np.full(len(x), 3000 * PRIOR[self.name][label] * share((label, kind))) for label, kind, x in rows]
        labels = [np.full(len(x), float(label)) for label, _, x in rows]
        return regression(np.concatenate([x for *_, x in rows]), np.concatenate(labels), np.concatenate(weights))

    def report(self):
        print(f"// {self.name}: told right without having met the type")
        for kind in sorted({kind for _, kind, _ in self.rows}):
            beta = self.fit(kind)
            for label in (0, 1):
                parts = [x for other, k, x in self.rows if k == kind and other == label]
                if parts:
                    right = ((probability(beta, np.concatenate(parts)) > 0.5) == label).mean()
                    print(f"//   {kind:32} {label} {right:.2f}")

    def constant(self):
        beta = self.fit()
        weights = np.zeros(len(INPUTS))
        weights[self.use] = beta[:-1]
        listed = ", ".join(f"{w:.3f}" for w in weights)
        doc = f"pub(crate) const {self.name.upper()}: Logistic =\n    Logistic {{ weights: [{listed}], bias: {beta[-1]:.3f} }};"
        print(doc)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", required=True, help="the built example `scene_features`")
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--packages", type=pathlib.Path, help="unpacked packages (see recordings.py)")
    parser.add_argument("--without", nargs="*", default=[], help="pieces to leave out")
    parser.add_argument("--report", action="store_true", help="leave one type out at a time")
    arguments = parser.parse_args()

    sounds = list(examples(arguments.corpus, arguments.packages, arguments.without))
    features = extract(arguments.features, [x for *_, x in sounds])
    rows = [(labels, kind, f) for (labels, kind, _), f in zip(sounds, features)]
    every = np.concatenate([f[::6, :-1] for *_, f in rows])
    scales = every.mean(0), every.std(0)
    sound = [i for i in range(len(INPUTS)) if INPUTS[i] != "voice"]
    print("const SCALES: [(f32, f32); FEATURES] = [")
    for mean, deviation in zip(*scales):
        print(f"    ({mean:.3f}, {deviation:.3f}),")
    print("];")
    for name, use in [("music", sound), ("speaking", range(len(INPUTS)))]:
        task = Task(name, rows, scales, list(use))
        if arguments.report:
            task.report()
        task.constant()


if __name__ == "__main__":
    main()
