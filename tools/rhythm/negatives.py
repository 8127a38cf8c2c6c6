"""Sounds without a beat, to train the rhythm net on: `negatives.py PACKAGES OUT COUNT` writes their features.

Speech of espeak-ng's voices, sound effects of Debian's games scattered over noise (PACKAGES as tools/scene/recordings.py
unpacks them; its fitting half), and noises drawn by chance. Half minutes, from seeds.
"""

import pathlib
import subprocess
import sys

import numpy as np
import scipy.signal

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "scene"))
from corpus_features import decoded  # noqa: E402
from features import features  # noqa: E402
from recordings import AUDIO, EFFECTS, NOISE  # noqa: E402

RATE, SECONDS = 44_100, 30
WORDS = """the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word but not
what all were we when your can said there use an each which she do how their if will up other about out many then them these so
some her would make like him into time has look two more write go see number no way could people my than first water been call
who oil its now find long down day did get come made may part""".split()
VOICES = ["en-us", "en-gb", "de", "fr", "es", "it", "ru", "cmn", "pl", "tr", "sv", "hi"]


def speech(rng):
    x = []
    while sum(map(len, x)) < SECONDS * RATE:
        voice = f"{rng.choice(VOICES)}+{rng.choice(['m1', 'm3', 'm5', 'm7', 'f1', 'f2', 'f4', 'croak', 'whisper'])}"
        text = " ".join(rng.choice(WORDS, rng.integers(6, 24)))
        command = ["espeak-ng", "-v", voice, "-s", str(rng.integers(110, 240)), "-p", str(rng.integers(20, 80)), "--stdout", text]
        wav = subprocess.run(command, capture_output=True, check=True).stdout[44:]
        said = np.frombuffer(wav[: len(wav) // 2 * 2], np.int16).astype(np.float32) / 32768
        x += [np.repeat(said, 2) if len(said) else np.zeros(1, np.float32), np.zeros(int(rng.exponential(0.4) * RATE), np.float32)]
    return scipy.signal.sosfilt(scipy.signal.butter(6, 0.45, output="sos"), np.concatenate(x)[: SECONDS * RATE])


def noise(rng):
    n = SECONDS * RATE
    x = scipy.signal.lfilter([1], [1, -rng.choice([0, 0.5, 0.9, 0.98])], rng.normal(0, 1, n))
    kind = rng.integers(4)
    if kind == 1:  # gusts, waves
        slow = np.interp(np.arange(n), np.linspace(0, n, 60), rng.uniform(-25, 0, 60))
        x *= 10 ** (slow / 20)
    elif kind == 2:  # drops, crackles
        x *= 0.02
        for at in np.cumsum(rng.exponential(rng.uniform(0.05, 0.8), 400)):
            i, length = int(at * RATE), int(rng.uniform(0.003, 0.2) * RATE)
            if i + length < n:
                x[i : i + length] += rng.normal(0, rng.uniform(0.1, 2), length) * np.exp(-5 * np.arange(length) / length)
    elif kind == 3:  # hums, sweeps
        f = np.interp(np.arange(n), np.linspace(0, n, 12), np.exp(rng.uniform(4, 7, 12)))
        x = 0.1 * x + sum(np.sin(k * np.cumsum(2 * np.pi * f / RATE)) / k for k in range(1, 6))
    return x


def scattered(rng, effects):
    x = 10 ** (-rng.uniform(25, 60) / 20) * noise(rng)
    for at in np.cumsum(rng.exponential(rng.uniform(0.6, 3), 60)):
        if at < SECONDS:
            sound = effects[rng.integers(len(effects))]
            i = int(at * RATE)
            sound = sound[: len(x) - i]
            x[i : i + len(sound)] += sound / (np.abs(sound).max() + 1e-6) * rng.uniform(0.1, 1)
    return x


def main():
    packages, out, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4)
    paths = [p for name, folder in sorted(EFFECTS.items()) for root in [packages / name / "usr/share/games", packages / name / "usr/share"]
             for p in sorted(root.glob(f"{folder.removesuffix('*').rstrip('/*')}/**/{AUDIO}")) if NOISE(p)]  # fmt: skip
    paths = sorted(set(paths))
    chosen = [paths[i] for i in rng.permutation(len(paths))[:250]]
    effects = [x[: 12 * RATE] for x in map(decoded, chosen) if len(x) > RATE // 5 and np.abs(x).max() > 1e-3]
    print(len(paths), "effects, used", len(effects))
    for number in range(count):
        rng = np.random.default_rng([5, number])
        x = [speech, noise, lambda r: scattered(r, effects), lambda r: scattered(r, effects), speech][number % 5](rng)
        x = x / (np.abs(x).max() + 1e-6) * 10 ** (-rng.uniform(0, 26) / 20)
        np.savez(out / f"negative_{number:04d}.npz", features=features(x.astype(np.float32)), frames_per_second=RATE / 220 / 4, beats=[], positions=[], onsets=[])


if __name__ == "__main__":
    main()
