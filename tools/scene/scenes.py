"""Composes training scenes of a library (library.py), with the activity of each sort of sound in each frame.

    python3 tools/scene/scenes.py --features target/release/examples/scene_features --library LIBRARY.pickle \\
        --count 2000 --seed 1 OUT.npz

A scene is of half a minute, in one to three sections: a programme (speech, music, noise, silence in turn), speech over
music, a song, noises, speech in noise, music in noise, or speech alone; at any ratio, in any room, through any codec,
clipped, at levels from -60 to 0 dBFS. OUT holds the crate's own textures of each frame, with `--regressions` its features
(fit.py), and for each of the four activities 0, 1 or -1 (not decided: too faint to count either way).
"""

import argparse
import pathlib
import pickle
import subprocess
import tempfile

import creatures
import material
import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE, HOP = 16_000, 512
SECONDS = 36
FRAMES = SECONDS * RATE // HOP
N = FRAMES * HOP
SPEECH, SINGING, MUSIC, NOISE = range(4)
# Decibels below what else sounds at which an activity is not decided, and at which it is absent.
FAINT, ABSENT = {SPEECH: 10, SINGING: 12, MUSIC: 17, NOISE: 12}, {SPEECH: 20, SINGING: 25, MUSIC: 30, NOISE: 25}
# Decibels below its own loud parts at which a source pauses, and the longest pause in frames that is not one.
PAUSE = {SPEECH: (32, 7), SINGING: (32, 24), MUSIC: (42, 40), NOISE: (40, 14)}
# Values of a frame: of its texture, and features with the speech probability.
VALUES, FEATURES = 42, 10


def save(path, samples):
    """A 32-bit float WAV file at 16 kHz."""
    data = samples.astype("<f4").tobytes()
    header = b"RIFF" + np.uint32(36 + len(data)).tobytes() + b"WAVEfmt " + np.uint32(16).tobytes()
    header += np.array([3, 1], "<u2").tobytes() + np.array([RATE, 4 * RATE], "<u4").tobytes()
    header += np.array([4, 32], "<u2").tobytes() + b"data" + np.uint32(len(data)).tobytes()
    path.write_bytes(header + data)


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


class Scene:
    def __init__(self):
        self.tracks = np.zeros((4, N), np.float32)

    def add(self, activity, x, second, gain=0.0):
        i = int(second * RATE)
        if 0 <= i < N:
            x = x[: N - i]
            self.tracks[activity, i : i + len(x)] += x * 10 ** (gain / 20)


def fill(rng, pool, scene, kind, second, seconds, gain):
    if kind == "speech":
        scene.add(SPEECH, speech(rng, pool, seconds), second, gain)
    elif kind == "noise":
        scene.add(NOISE, faded(rng, noise(rng, pool, seconds)), second, gain)
    elif kind == "music":
        for activity, x in music(rng, pool, seconds).items():
            scene.add(activity, faded(rng, x), second, gain)


def talk(rng, pool, scene, begin, end):
    """Speech in turns, with pauses in which what else there is remains."""
    now = begin + rng.choice([0, rng.uniform(0, 4)])
    while now < end:
        seconds = min(rng.uniform(0.8, 9), end - now)
        fill(rng, pool, scene, "speech", now, seconds, rng.uniform(-2, 2))
        now += seconds + rng.choice([rng.uniform(0.2, 1), rng.uniform(1, 4)])


def programme(rng, pool, scene, begin, end):
    now, last = begin - rng.uniform(0, 3), None
    while now < end:
        kind = rng.choice(["speech", "music", "noise", "silence"], p=[0.3, 0.3, 0.3, 0.1])
        if kind == last:
            continue
        last = kind
        seconds = {"speech": rng.uniform(1, 9), "music": rng.uniform(2, 10), "noise": rng.uniform(1, 8), "silence": rng.uniform(0.4, 2.5)}[kind]
        gain = rng.uniform(-10, 3) if rng.random() < 0.8 else rng.uniform(-24, 0)
        if kind != "silence":
            fill(rng, pool, scene, kind, max(now, begin), min(seconds, end - now), gain)
        now += seconds + rng.choice([0, 0, rng.uniform(-0.5, 0.5), rng.uniform(0, 1)])


def talk_over_music(rng, pool, scene, begin, end):
    fill(rng, pool, scene, "music", begin, end - begin, -(rng.uniform(-6, 24) if rng.random() < 0.6 else rng.uniform(-5, 8)))
    talk(rng, pool, scene, begin, end)
    if rng.random() < 0.15:
        fill(rng, pool, scene, "noise", rng.uniform(begin, end), rng.uniform(2, 10), -rng.uniform(0, 20))


def song(rng, pool, scene, begin, end):
    fill(rng, pool, scene, "music", begin, end - begin, 0)
    if rng.random() < 0.2:
        fill(rng, pool, scene, "noise", rng.uniform(begin, end), rng.uniform(2, 10), -rng.uniform(0, 25))


def noises(rng, pool, scene, begin, end):
    now = begin
    while now < end:
        seconds = min(rng.uniform(2, 14), end - now)
        fill(rng, pool, scene, "noise", now, seconds, rng.uniform(-12, 3))
        now += seconds + rng.choice([0, rng.uniform(0, 3)])
    if rng.random() < 0.4:
        fill(rng, pool, scene, "noise", begin, end - begin, -rng.uniform(5, 30))


def talk_in_noise(rng, pool, scene, begin, end):
    fill(rng, pool, scene, "noise", begin, end - begin, -rng.uniform(-6, 15))
    talk(rng, pool, scene, begin, end)
    if rng.random() < 0.15:
        fill(rng, pool, scene, "music", rng.uniform(begin, end), rng.uniform(3, 8), rng.uniform(-6, 6))


def music_in_noise(rng, pool, scene, begin, end):
    fill(rng, pool, scene, "noise", begin, end - begin, -rng.uniform(-3, 25))
    start = rng.uniform(begin, begin + 6)
    fill(rng, pool, scene, "music", start, rng.uniform(6, max(7, end - start)), 0)


def dry_talk(rng, pool, scene, begin, end):
    talk(rng, pool, scene, begin, end)


SECTIONS = [(programme, 0.30), (talk_over_music, 0.16), (song, 0.19), (noises, 0.14), (talk_in_noise, 0.12), (music_in_noise, 0.05), (dry_talk, 0.04)]


def compose(rng, pool):
    """A scene of one section, or of two or three after each other, with pauses between them or without."""
    scene, begin = Scene(), 0.0
    whole = rng.random() < 0.4
    while begin < SECONDS - 1:
        end = SECONDS if whole else min(begin + rng.uniform(7, 24), SECONDS)
        section = SECTIONS[rng.choice(len(SECTIONS), p=[weight for _, weight in SECTIONS])][0]
        section(rng, pool, scene, begin, end if SECONDS - end > 3 else SECONDS)
        begin = (end if SECONDS - end > 3 else SECONDS) + rng.choice([0, rng.uniform(0, 2)])
    return scene


def bridged(active, longest):
    """Without pauses of up to `longest` frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active, [0]]).astype(int)))
    out = active.copy()
    for end, start in zip(edges[1:-1:2], edges[2::2]):
        if start - end <= longest:
            out[end:start] = True
    return out


def smoothed(level, reach):
    kernel = np.hanning(2 * reach + 3)[1:-1]
    linear = np.convolve(10 ** (level / 10), kernel / kernel.sum(), "same")
    return 10 * np.log10(linear + 1e-12)


def activities(tracks):
    """(FRAMES, 4) of 0, 1 and -1."""
    levels = [power(track) for track in tracks]
    near = [smoothed(level, 16) for level in levels]
    labels = np.zeros((FRAMES, 4), np.int8)
    for activity in range(4):
        level = levels[activity]
        if level.max() < -100:
            continue
        below, pause = PAUSE[activity]
        # Loud parts of the surroundings: sources of one sort may differ in level by 20 dB.
        loud = np.array([level[max(0, t - 94) : t + 94].max() for t in range(0, FRAMES)])
        active = bridged(level > np.maximum(loud - below, level.max() - 60), pause)
        others = 10 * np.log10(sum(10 ** (near[k] / 10) for k in range(4) if k != activity and {k, activity} != {SINGING, MUSIC}) + 1e-12)
        ratio = others - near[activity]
        labels[active, activity] = 1
        labels[active & (ratio > FAINT[activity]), activity] = -1
        labels[active & (ratio > ABSENT[activity]), activity] = 0
    # Who sings makes music.
    labels[labels[:, SINGING] == 1, MUSIC] = 1
    return labels


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


def scene(pool, seed, index):
    rng = np.random.default_rng([seed, index])
    pool.rng = rng
    tracks = compose(rng, pool).tracks
    labels = activities(tracks)
    return recorded(rng, list(tracks), labels), labels


def measured(program, mode, values, paths):
    """The first FRAMES of what the example `scene_features` prints of each recording."""
    jobs = "".join(f"{path} {path}.f32\n" for path in paths)
    subprocess.run([program, mode], input=jobs, text=True, check=True)
    return [np.fromfile(f"{path}.f32", "<f4").reshape(-1, values)[:FRAMES] for path in paths]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", required=True, help="the built example `scene_features`")
    parser.add_argument("--library", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the first ten scenes, to listen to")
    parser.add_argument("--regressions", action="store_true", help="also measure the features of the regressions")
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    pool = Pool(pickle.loads(arguments.library.read_bytes()), None)
    inputs, features, labels = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, arguments.count, 50):
            paths = []
            for index in range(first, min(first + 50, arguments.count)):
                x, truth = scene(pool, arguments.seed, index)
                paths.append(pathlib.Path(folder, f"{index - first}.wav"))
                save(paths[-1], x)
                labels.append(truth)
                if arguments.keep and index < 10:
                    save(arguments.keep / f"{index}.wav", x)
            inputs += [x.astype(np.float16) for x in measured(arguments.features, "textures", VALUES, paths)]
            if arguments.regressions:
                features += measured(arguments.features, "features", FEATURES, paths)
            print(f"{len(inputs)} scenes", flush=True)
    more = {"features": np.stack(features)} if arguments.regressions else {}
    np.savez(arguments.out, inputs=np.stack(inputs), labels=np.stack(labels), **more)


if __name__ == "__main__":
    main()
