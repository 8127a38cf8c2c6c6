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

import numpy as np
from equipment import recorded
from sounds import HOP, MUSIC, NOISE, RATE, SINGING, SPEECH, Pool, faded, music, noise, power, speech

SECONDS = 36
FRAMES = SECONDS * RATE // HOP
N = FRAMES * HOP
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
