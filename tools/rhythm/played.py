"""Clips whose onsets are known, to train the rhythm net's onsets on: sung melodies, and recorded drum kits.

    python3 tools/rhythm/played.py sung ROOT POP909.git LIBRARY.pickle OUT --to 120
    python3 tools/rhythm/played.py groove PACKAGES OUT --to 60

write `.npz` as songs.py does. `sung`: melodies of POP909 by WORLD (tools/scene/sung.py) with the voices of library.py's
LIBRARY, most of them a cappella, the others over songs.py's accompaniment of the same song; onsets are the starts of the notes,
of the accompaniment too. `groove`: tools/scene/grooves.py; beats are masked (`beatless`), and those of a cappella songs.
Everything is drawn from the clip's number. Needs pyworld and what songs.py needs.
"""

import argparse
import pathlib
import pickle
import sys
import tempfile

import audio
import mido
import numpy as np
import scipy.io.wavfile
import scipy.signal
from features import features
from sources import git, pop909, tracks

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "scene"))
import grooves  # noqa: E402
import sung  # noqa: E402

RATE, SPOKEN_RATE = audio.RATE, sung.RATE


def brightened(rng, x):
    """At 44.1 kHz, the octave from 4 to 8 kHz once more above it."""
    x = scipy.signal.resample_poly(x, RATE // 100, SPOKEN_RATE // 100)
    top = scipy.signal.sosfilt(scipy.signal.butter(6, 4_000, "high", fs=RATE, output="sos"), x)
    moved = top * np.cos(2 * np.pi * 4_000 * np.arange(len(x)) / RATE)
    moved = scipy.signal.sosfilt(scipy.signal.butter(8, 8_000, "high", fs=RATE, output="sos"), moved)
    return x + rng.uniform(0, 1.2) * moved


def sung_clip(rng, root, fonts, repository, voices, number):
    """Samples, times of beats, their positions, onsets and whether the beat is unknown; None without a melody."""
    name = f"{number % 900 + 1:03d}"
    with tempfile.NamedTemporaryFile(suffix=".mid") as file:
        file.write(git(repository, f"POP909/{name}/{name}.mid"))
        file.flush()
        melody = tracks(mido.MidiFile(file.name)).get("MELODY", [])
    if len(melody) < 40:
        return None
    source = pop909(rng, repository, number % 900)
    rows = [line.split() for line in git(repository, f"POP909/{name}/beat_midi.txt").decode().splitlines()]
    marked, down = np.array([float(row[0]) for row in rows]), np.array([float(row[2]) == 1 for row in rows])
    marked = marked[np.flatnonzero(down)[0] :]
    speed, seconds = rng.uniform(0.75, 1.4), 36.0
    start = melody[int(rng.integers(0, max(1, len(melody) - 60)))][0] - rng.uniform(0.2, 1.5)
    at = lambda t: (t - start) / speed
    line = [(at(a), at(b), key) for a, b, key, _ in melody if 0 <= at(a) < seconds - 0.3]
    line = [(a, min(b, after[0]) if after else b, key) for (a, b, key), after in zip(line, [*line[1:], None])]
    late = rng.uniform(0, 0.015)  # singers are not exact
    line = [(max(0, a + rng.normal(0, late)), b, key) for a, b, key in line]
    line = sorted(line)
    line = [(a, min(b, after[0]) if after else b, key) for (a, b, key), after in zip(line, [*line[1:], None])]
    x = voices[rng.integers(len(voices))].astype(np.float64) / 32_768
    singer = sung.Voice(x[: 7 * SPOKEN_RATE])
    if len(singer.syllables) < 5:
        return None
    onsets = []
    young = float(rng.choice([0, rng.uniform(0.3, 1)]))
    voice = brightened(rng, sung.sing(rng, singer, line, seconds, legato=rng.uniform(0.2, 0.8), young=young, onsets=onsets))
    voice = voice / (np.abs(voice).max() + 1e-6)
    if source is None or rng.random() < 0.4:  # a cappella
        return voice, [], [], onsets, True
    song, _, metre, _, _ = source
    song.notes = [note for note in song.notes if note[2] != 2]  # the melody's channel
    if not song.notes:
        return None
    grid = at(marked)
    inside = (grid >= 0) & (grid < seconds)
    clock = lambda beat: np.interp(beat, np.arange(len(grid)), grid) + start
    bed, others = audio.synthesize(rng, root, song, clock, start, seconds, fonts[int(rng.integers(len(fonts)))])
    bed = bed / (np.abs(bed).max() + 1e-6)
    mix = voice[: len(bed)] + bed[: len(voice)] * 10 ** (rng.uniform(-14, 4) / 20)
    onsets += [time for time, velocity in others if velocity > 30]
    return mix, grid[inside], np.flatnonzero(inside) % metre + 1, onsets, False


def groove_clip(rng, kits):
    strokes = []
    while len(strokes) < 20:  # of some kits little is played
        strokes.clear()
        x = grooves.groove(rng, kits[sorted(kits)[rng.integers(len(kits))]], RATE, strokes, seconds=30)
    return x, [], [], strokes, True


def written(path, rng, clip, listen):
    x, beats, positions, onsets, beatless = clip
    x = audio.coded(rng, audio.produced(rng, x))
    rate = int(rng.choice([44_100] * 8 + [22_050, 16_000]))
    x = scipy.signal.resample_poly(x, rate // 100, RATE // 100) if rate != RATE else x
    if listen:
        scipy.io.wavfile.write(path.with_suffix(".wav"), rate, (np.clip(x, -1, 1) * 32767).astype(np.int16))
    onsets = np.array(sorted(onsets))
    np.savez(path, features=features(x, rate), frames_per_second=rate / (rate // 200) / 4, beats=beats, positions=positions,
             onsets=np.stack([onsets, np.full(len(onsets), 100)], 1), beatless=beatless)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, sources in (("sung", ["root", "pop909", "library"]), ("groove", ["packages"])):
        options = kinds.add_parser(kind)
        for source in [*sources, "out"]:
            options.add_argument(source, type=pathlib.Path)
        options.add_argument("--from", dest="first", type=int, default=0)
        options.add_argument("--to", type=int, default=10)
        options.add_argument("--listen", action="store_true", help="writes the audio too")
        options.add_argument("--only-held-out", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.kind == "sung":
        root = arguments.root.resolve()
        fonts = sorted(root.glob("usr/share/sounds/sf[23]/*.sf[23]"))
        library = pickle.loads(arguments.library.read_bytes())
        voices = [x for source, x in library["speech"] if len(x) > 2.5 * SPOKEN_RATE and "espeak" not in source]
        del library
        make = lambda rng, number: sung_clip(rng, root, fonts, arguments.pop909, voices[9::10] if number % 10 == 9 else [v for i, v in enumerate(voices) if i % 10 != 9], number)
    else:
        kits = grooves.kits(arguments.packages, RATE)
        names = sorted(kits)  # each fifth kit only in clips that are held out
        make = lambda rng, number: groove_clip(rng, {name: kits[name] for i, name in enumerate(names) if (i % 5 == 4) == (number % 10 == 9)})
    for number in range(arguments.first, arguments.to):
        path = arguments.out / f"{arguments.kind}_{number:04d}.npz"
        if path.exists() or arguments.only_held_out and number % 10 != 9:
            continue
        rng = np.random.default_rng([{"sung": 6, "groove": 7}[arguments.kind], number])
        try:
            clip = make(rng, number)
        except (ValueError, IndexError, KeyError) as error:
            print(number, repr(error)[:200], flush=True)
            continue
        if clip is not None:
            written(path, rng, clip, arguments.listen)


if __name__ == "__main__":
    main()
