"""Sounds of one sort for scenes.py, drawn from a library (library.py) or made: speech, noise, music with singing or without."""

import creatures
import material
import numpy as np

RATE, HOP = 16_000, 512
SPEECH, SINGING, MUSIC, NOISE = range(4)
# How often voices of each source are drawn: prompts, spoken words, single letters, synthetic voices, and real rooms.
VOICES = {"asterisk": 0.40, "corpus": 0.18, "tuxpaint": 0.12, "ktuberling": 0.10, "klettres": 0.10, "espeak": 0.10}


class Pool:
    """Clips of a library, drawn so that each source has the weight of the root of its number of clips; voices by VOICES."""

    def __init__(self, library, rng):
        self.rng = rng
        self.clips, self.weights = {}, {}
        # Only sounds that are trained on are also made.
        self.made = any(clip[0].startswith("made:") for clip in library["other"])
        for kind, clips in library.items():
            sources = [clip[0] for clip in clips]
            counts = {source: sources.count(source) for source in set(sources)}
            weight = np.array([counts[source] ** -0.5 for source in sources])
            if kind == "speech":
                groups = [source.split("-")[0] for source in sources]
                weight = np.array([VOICES[group] / groups.count(group) for group in groups])
            self.clips[kind], self.weights[kind] = clips, np.cumsum(weight / max(weight.sum(), 1e-9))

    def draw(self, kind):
        index = int(np.searchsorted(self.weights[kind], self.rng.random()))
        return self.clips[kind][min(index, len(self.clips[kind]) - 1)]


def power(x):
    """Power (dB) of each frame."""
    count = len(x) // HOP
    return 10 * np.log10((x[: count * HOP].reshape(count, HOP) ** 2).mean(1) + 1e-12)


def loudness(x):
    """Mean level of the loud parts in dB."""
    level = power(x)
    if not len(level):
        return -120.0
    return float(level[level > np.percentile(level, 95) - 20].mean())


def at(x, decibels):
    return x * 10 ** ((decibels - loudness(x)) / 20)


def floats(x):
    return x.astype(np.float32) / 32_768


def cut(rng, x, count):
    start = int(rng.integers(0, max(1, len(x) - count)))
    return x[start : start + count]


def changed(rng, x, amount=0.12):
    """At another speed (and pitch)."""
    if rng.random() < 0.5:
        return x
    factor = 2 ** rng.uniform(-amount, amount)
    return np.interp(np.arange(0, len(x) - 1, factor), np.arange(len(x)), x).astype(np.float32)


def silence(seconds):
    return np.zeros(int(seconds * RATE), np.float32)


def speech(rng, pool, seconds):
    """One voice: prompts and sentences of one source, with pauses."""
    source, first = pool.draw("speech")[:2]
    own = [clip[1] for clip in pool.clips["speech"] if clip[0] == source]
    parts, total = [], 0
    gain = rng.uniform(-3, 3)
    while total < seconds * RATE:
        x = first if first is not None else own[rng.integers(len(own))]
        first = None
        x = cut(rng, floats(x), int(seconds * RATE))
        x = at(x, gain + rng.uniform(-2, 2)) if len(x) > HOP else x
        gap = silence(rng.choice([rng.uniform(0.05, 0.5), rng.uniform(0.3, 1.5), 0.0]))
        parts += [x, gap]
        total += len(x) + len(gap)
    x = changed(rng, np.concatenate(parts)[: int(seconds * RATE)])
    if rng.random() < 0.1:
        # A child's voice.
        x = np.interp(np.arange(0, len(x) - 1, 2 ** rng.uniform(0.2, 0.45)), np.arange(len(x)), x).astype(np.float32)
    return x


def noise(rng, pool, seconds):
    """Sounds of one source, one after another, or one that lasts."""
    # Making a sound takes longer than all the rest of a scene: the library has many of them.
    if pool.made and rng.random() < 0.2:
        makers = creatures.SOUNDS if rng.random() < 0.65 else material.OTHERS
        x = material.varied(rng, makers[rng.integers(len(makers))](rng))
        own = [np.round(x * 32_767).astype(np.int16)]
        if rng.random() < 0.3:
            x = cut(rng, x, int(rng.uniform(0.3, 4) * RATE))
    else:
        source, x = pool.draw("other")[:2]
        own = [clip[1] for clip in pool.clips["other"] if clip[0] == source]
        x = floats(x)
    x = at(changed(rng, x, 0.3), 0)
    parts, total = [x], len(x)
    again = rng.random()
    while total < seconds * RATE:
        if again > 0.75:
            x = at(floats(own[rng.integers(len(own))]), rng.uniform(-6, 3))
        gap = silence(rng.choice([0.02, rng.uniform(0.05, 0.4), rng.uniform(0.2, 2.0)]))
        parts += [gap, x * rng.uniform(0.6, 1.2)]
        total += len(x) + len(gap)
        if len(parts) > 60:
            break
    return np.concatenate(parts)[: int(seconds * RATE)]


def looped(x, count):
    return np.resize(x, count) if len(x) < count else x


def music(rng, pool, seconds):
    """({activity: samples}) of a piece, with singing or without."""
    count = int(seconds * RATE)
    if rng.random() < 0.5 and pool.clips["sung"]:
        clip = pool.draw("sung")
        voice = floats(clip[1])
        bed = floats(clip[2]) if len(clip) > 2 else floats(pool.draw("music")[1])
        start = int(rng.integers(0, max(1, min(len(voice), len(bed)) - count)))
        voice, bed = looped(voice[start:], count)[:count], looped(bed[start:], count)[:count]
        # Higher or lower voices than those who were recorded: children, basses.
        factor = 2 ** rng.choice([0, rng.uniform(-0.2, 0.5)])
        voice, bed = (looped(np.interp(np.arange(0, count - 1, factor), np.arange(count), x).astype(np.float32), count)[:count]
                      for x in (voice, bed))  # fmt: skip
        how = rng.random()
        if how < 0.3:
            return {SINGING: at(voice, 0)}
        return {SINGING: at(voice, rng.uniform(-6, 8)), MUSIC: at(bed, 0)}
    if pool.made and rng.random() < 0.03:
        x = material.MUSICS[rng.integers(len(material.MUSICS))](rng).astype(np.float32)
    else:
        x = floats(pool.draw("music")[1])
    x = looped(changed(rng, cut(rng, x, int(count * 1.2)), 0.3), count)[:count]
    return {MUSIC: at(x, 0)}


def faded(rng, x, longest=0.6):
    n = min(int(rng.choice([0.005, 0.005, rng.uniform(0.05, longest)]) * RATE), len(x) // 2)
    y = x.copy()
    if n:
        y[:n] *= np.linspace(0, 1, n)
        y[-n:] *= np.linspace(1, 0, n)
    return y
