"""Songs whose beats, bars and onsets are known, in great variety, to train the rhythm net on.

    python3 tools/rhythm/songs.py ROOT POP909.git OUT --kind pop909 --from 0 --to 120

writes each song as `.npz`: `features` (the net's inputs), `beats`, `positions` (1 is the downbeat), `onsets` (s, velocity) and
`beatless` (whether nobody could tell the beat); with `--listen` also as WAV. ROOT holds Debian's fluidsynth, libfluidsynth3,
libinstpatch-1.0-2, fluid-soundfont-gm, timgm6mb-soundfont, opl3-soundfont and mma unpacked (see material.py); POP909.git is a
bare clone of music-x-lab/POP909-Dataset (MIT). Kinds: `pop909` (its melodies and chords, arranged anew), `made` (chords, tunes
and grooves drawn by chance, bars of 2 to 7), `loop` (these, but slow, fast or in five or seven), `expressive` (no drums, in the
tempo of soloists), `mma` (the accompaniments of MMA's patterns). Everything is drawn from the song's number. Needs numpy, scipy, mido, ffmpeg.
"""

import argparse
import hashlib
import pathlib
import re
import subprocess

import numpy as np
import scipy.io.wavfile
import scipy.signal
from audio import RATE, clock, coded, produced, synthesize
from features import features
from sources import expressive, made, mma, pop909


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("pop909", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--kind", choices=["pop909", "made", "mma", "loop", "expressive"], required=True)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", type=int, default=10)
    parser.add_argument("--listen", action="store_true", help="writes the audio too")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    fonts = sorted(root.glob("usr/share/sounds/sf[23]/*.sf[23]"))
    patterns = []
    if arguments.kind == "mma":
        from material import Pattern

        library = root / "usr/share/mma/lib"
        patterns = [p for p in (Pattern(library, path) for path in sorted(library.glob("*/*.mma"))) if p.usable() and len(p.times) == 1 and max(p.times) in (3, 4)]
        patterns = [p for p in patterns if not re.search("68|128|98", str(p.library_name))]
        patterns.sort(key=lambda p: hashlib.md5(p.name.encode()).digest()[0] % 2)  # those held out come last
    for number in range(arguments.first, arguments.to):
        path = arguments.out / f"{arguments.kind}_{number:04d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([{"pop909": 1, "made": 2, "mma": 3, "loop": 4, "expressive": 5}[arguments.kind], number])
        try:
            makers = {"pop909": lambda: pop909(rng, arguments.pop909, number), "made": lambda: made(rng), "loop": lambda: made(rng, loop=True), "expressive": lambda: expressive(rng), "mma": lambda: mma(rng, root, patterns, number)}
            source = makers[arguments.kind]()
        except (subprocess.SubprocessError, KeyError, ValueError, IndexError) as error:
            print(number, repr(error)[:200])
            continue
        if source is None:
            continue
        song, beats, metre, bpm, mode = source
        phrases = metre * int(rng.choice([2, 4, 4, 8])) if arguments.kind == "expressive" else None
        time = clock(rng, bpm, beats, phrases)
        seconds = min(float(rng.uniform(32, 48)), float(time(beats)) - 2)
        start = float(time(rng.uniform(0, 4 * metre))) if rng.random() < 0.6 else float(rng.uniform(0, max(1, time(beats) - seconds)))
        if rng.random() < 0.15:
            start = float(time(0)) - rng.uniform(0.2, 2)
        font = fonts[int(rng.integers(len(fonts)))] if rng.random() < 0.7 else next(f for f in fonts if "Fluid" in f.name)
        x, onsets = synthesize(rng, root, song, time, start, seconds, font)
        if np.abs(x).max() < 1e-3:
            continue
        x = coded(rng, produced(rng, x))
        grid = np.arange(beats)
        at = np.array([float(time(b)) for b in grid]) - start
        inside = (at >= 0) & (at < seconds)
        rate = int(rng.choice([44_100] * 8 + [22_050, 16_000]))
        x = scipy.signal.resample_poly(x, rate // 100, RATE // 100) if rate != RATE else x
        if arguments.listen:
            scipy.io.wavfile.write(path.with_suffix(".wav"), rate, (np.clip(x, -1, 1) * 32767).astype(np.int16))
        np.savez(path, features=features(x, rate), frames_per_second=rate / (rate // 200) / 4, beats=at[inside], positions=grid[inside] % metre + 1, onsets=onsets, beatless=mode in ("solo", "pads"), metre=metre, bpm=bpm, mode=mode)


if __name__ == "__main__":
    main()
