"""A mix as a room, a microphone, equipment and a codec would leave it. Used by scenes.py."""

import subprocess

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt
from sounds import NOISE, RATE, SPEECH, loudness


def room(rng):
    """The response of a room: the direct sound, some reflections, and a tail whose high frequencies die away first."""
    seconds = rng.uniform(0.2, 1.2) if rng.random() < 0.7 else rng.uniform(1, 2.5)
    t = np.arange(int(min(seconds, 1.8) * RATE)) / RATE
    noise = rng.standard_normal(len(t))
    low = lfilter([0.25], [1, -0.75], noise) * 1.5
    tail = low * np.exp(-6.9 * t / seconds) + noise * np.exp(-6.9 * t / (seconds * rng.uniform(0.3, 0.9))) * rng.uniform(0.3, 1)
    tail[: int(rng.uniform(0.002, 0.03) * RATE)] = 0
    for _ in range(int(rng.integers(2, 9))):
        tail[int(rng.uniform(0.001, 0.05) * RATE)] += rng.choice([-1, 1]) * rng.uniform(0.5, 4)
    tail *= 10 ** (-rng.uniform(-10, 13) / 20) / np.sqrt((tail**2).sum() + 1e-12)
    tail[0] = 1
    return tail


def reverberated(response, x):
    return fftconvolve(x, response)[: len(x)].astype(np.float32)


def hiss(rng, count):
    """Noise of equipment: white to pink, perhaps with hum."""
    x = lfilter([1], [1, -rng.choice([0, rng.uniform(0, 0.97)])], rng.standard_normal(count))
    x /= x.std()
    if rng.random() < 0.25:
        f, t = rng.choice([50, 60, 100, 120]), np.arange(count) / RATE
        x += rng.uniform(0.3, 2) * sum(np.sin(2 * np.pi * f * k * t + k) / k for k in range(1, 5))
        x /= x.std()
    return x


def coded(rng, x):
    codec = [
        ["libmp3lame", "mp3", rng.choice(["32k", "48k", "64k", "96k"])],
        ["libopus", "ogg", rng.choice(["10k", "16k", "24k", "48k"])],
    ][int(rng.integers(2))]
    raw = ["-f", "f32le", "-ar", str(RATE), "-ac", "1"]
    encode = ["ffmpeg", "-v", "error", *raw, "-i", "-", "-c:a", codec[0], "-b:a", codec[2], "-f", codec[1], "-"]
    data = subprocess.run(encode, input=x.astype("<f4").tobytes(), capture_output=True, check=True).stdout
    decode = ["ffmpeg", "-v", "error", "-i", "-", *raw, "-"]
    y = np.frombuffer(subprocess.run(decode, input=data, capture_output=True, check=True).stdout, np.float32)
    return np.resize(y[: len(x)], len(x)) if len(y) >= len(x) else np.pad(y, (0, len(x) - len(y)))


def recorded(rng, tracks, labels):
    """The mix as a room, equipment and a codec would leave it."""
    # A hall through an old microphone: narrow, reverberant and noisy.
    old = rng.random() < 0.1
    if old or rng.random() < 0.4:
        response = room(rng)
        only_voices = rng.random() < 0.3
        for k in [SPEECH] if only_voices else range(4):
            if np.abs(tracks[k]).max() > 0:
                tracks[k] = reverberated(response, tracks[k])
    x = np.sum(np.stack(tracks), 0)
    if old or rng.random() < 0.2:
        low, high = [(300, 3400), (80, 4500), (30, 6000), (150, 7500)][int(rng.integers(4))]
        x = sosfilt(butter(2, [low * rng.uniform(0.8, 1.2), high * rng.uniform(0.9, 1.05)], "band", fs=RATE, output="sos"), x)
    loud = loudness(x)
    if old or rng.random() < 0.5:
        below = rng.uniform(14, 32) if old else rng.uniform(25, 75)
        x = x + 10 ** ((loud - below) / 20) * hiss(rng, len(x))
        if below < 35:
            # It is neither a sound of its own nor nothing.
            labels[labels[:, NOISE] == 0, NOISE] = -1
    x = x / max(np.abs(x).max(), 1e-6)
    if rng.random() < 0.1:
        x = np.clip(x * 10 ** (rng.uniform(3, 22) / 20), -1, 1)
    if rng.random() < 0.08:
        x = coded(rng, 0.9 * x)
    level = rng.uniform(-12, 0) if rng.random() < 0.6 else rng.uniform(-60, 0)
    x = x * 10 ** (level / 20)
    if rng.random() < 0.8:
        x = np.round(x * 32_767) / 32_767
    return x.astype(np.float32)
