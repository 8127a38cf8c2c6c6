"""Collects the clips that training scenes are composed of, decoded to 16 kHz mono.

    python3 tools/scene/library.py --corpus ../shared/corpus --packages packages --pop909 POP909 \\
        --fonts FluidR3_GM.sf2 TimGM6mb.sf2 --fluidsynth fluidsynth OUT.pickle

Kinds: `speech`, `music`, `other`, and pairs of `sung` (a voice alone) with its accompaniment. Sources: the fitting half of
recordings.py, generated sounds (material.py, creatures.py), espeak-ng voices, POP909 (MIT) played by FluidSynth and sung by
WORLD, and of the corpus classes/, asr/ and vad/. `--half report`: the other half, with songs and voices of its own, to
validate on. Needs numpy, scipy, soundfile, pyworld,
ffmpeg, espeak-ng.
"""

import argparse
import pathlib
import pickle
import subprocess
import tempfile

import creatures
import grooves
import material
import numpy as np
import recordings
import soundfile
import sung
from scipy.signal import resample_poly

RATE = recordings.RATE
TEXTS = [
    "The morning train was late again, and nobody on the platform knew why. She read the letter twice, folded it, and put "
    "it back. In nineteen forty one the harbour froze; the boats lay still until the end of March.",
    "When you press the second button, a window opens. Choose a name, then wait for seven or eight minutes. I would not "
    "have asked if it were not important. Well, what did he say about the garden, the dog, and the old blue car?",
]
VOICES = ["en-us", "en-gb", "de", "fr-fr", "es", "it", "en-us+f3", "en-gb+f5", "pl", "nl", "sv", "pt", "ru", "tr", "cs",
          "en-us+m3", "de+f2", "fr-fr+f4", "es+f1", "hu"]  # fmt: skip
LONGEST = {"music": 45, "other": 20, "speech": 60}
PER_PACKAGE = {"music": 16, "other": 48, "speech": 240, "words": 300}
# Voices of fewer clips than there are languages.
PER_VOICE = 50
CHORUS = [48, 52, 53, 54]
PROGRAMS = [[0, 4, 5, 11], [24, 25, 26, 27, 28, 29, 30], [32, 33, 34, 38], [40, 42, 48, 49, 50, 89, 90, 94], [56, 60, 61, 65, 66, 71, 73],
            [80, 81, 82, 87, 8, 12, 14, 46, 105, 108]]  # fmt: skip


def decoded(path, start=0.0, seconds=None):
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            file.seek(min(int(start * rate), max(file.frames, 0)))
            x = file.read(int(seconds * rate) if seconds else -1, "float32", always_2d=True).mean(1)
    except soundfile.LibsndfileError:
        command = ["ffmpeg", "-v", "error", *(["-ss", str(start)] if start else []), "-i", str(path)]
        command += [*(["-t", str(seconds)] if seconds else []), "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
        return np.frombuffer(subprocess.run(command, capture_output=True, check=False).stdout, np.int16)
    divisor = np.gcd(rate, RATE)
    return as_int16(resample_poly(x, RATE // divisor, rate // divisor) if rate != RATE and len(x) else x)


def decoded_prompts(paths):
    """The samples of each path; those of G.722, in which a byte is two samples, out of one decoding."""
    if not paths or paths[0].suffix != ".g722":
        yield from map(decoded, paths)
        return
    parts = [path.read_bytes() for path in paths]
    command = ["ffmpeg", "-v", "error", "-f", "g722", "-i", "-", "-f", "s16le", "-"]
    x = np.frombuffer(subprocess.run(command, input=b"".join(parts), capture_output=True, check=True).stdout, np.int16)
    yield from np.split(x, np.cumsum([2 * len(part) for part in parts])[:-1])


def as_int16(x):
    return np.clip(np.asarray(x) * 32_767, -32_768, 32_767).astype(np.int16)


def is_silent(x):
    return len(x) < 0.15 * RATE or np.abs(x.astype(np.int32)).max() < 150


def packaged(packages, half, share):
    """(kind, source, samples) of a share of the recordings of one half."""
    halves = [recordings.FIT, recordings.TRAIN] if half == recordings.FIT else [half]
    found = [clips for half in halves for clips in recordings.clips(packages, half).items()]
    for kind, types in found:
        for type_, paths in types.items():
            rng = np.random.default_rng([11, sum(map(ord, type_))])
            paths = [paths[i] for i in rng.permutation(len(paths))]
            if kind in ("speech", "words"):
                most = round(share * (PER_VOICE if "klettres" in type_ else PER_PACKAGE[kind]))
                for x in decoded_prompts(paths[:most]):
                    x = recordings.trimmed(x, 38)
                    if not is_silent(x) and (kind == "speech" or len(x) > 0.4 * RATE):
                        yield "speech", type_, x
                continue
            for path in paths[: round(share * PER_PACKAGE[kind])]:
                # Somewhere in the piece: introductions are alike.
                start = float(rng.choice([0, rng.uniform(5, 60)])) if kind == "music" else 0
                x = decoded(path, start, LONGEST[kind])
                if start and len(x) < 5 * RATE:
                    x = decoded(path, 0, LONGEST[kind])
                if kind == "other":
                    x = recordings.trimmed(x)
                if not is_silent(x) and (kind == "other" or len(x) > 3 * RATE):
                    yield kind, type_, x


def spoken(corpus):
    paths = [*corpus.glob("asr/*.wav"), *corpus.glob("classes/speech*"), *corpus.glob("vad/*.flac")]
    for path in sorted(paths):
        yield "corpus-speech", decoded(path)
    for index, voice in enumerate(VOICES):
        speed, pitch = 120 + 17 * index % 80, 30 + 13 * index % 50
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", TEXTS[index % 2]]
        wav = subprocess.run(command, capture_output=True, check=False).stdout
        command = ["ffmpeg", "-v", "error", "-i", "-", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
        x = np.frombuffer(subprocess.run(command, input=wav, capture_output=True, check=False).stdout, np.int16)
        if len(x) > RATE:
            yield "espeak", x


def midi_files(pop909, half):
    paths = sorted(pop909.glob("*.mid"))
    return [path for index, path in enumerate(paths) if (index % 8 == 0) == (half == recordings.REPORT)]


def excerpt(rng, melody):
    """(start in s, speed, semitones) of half a minute of a song."""
    start = max(0.0, melody[int(rng.integers(0, len(melody) // 2))][0] - 0.5)
    return start, rng.uniform(0.85, 1.25), int(rng.integers(-5, 6))


def monophonic(line):
    """A note ends where the next one starts."""
    return [(a, min(b, n[0]) if n else b, k) for (a, b, k), n in zip(line, [*line[1:], None])]


def sung_by(rng, voices, line, seconds):
    """A melody sung by one of the voices, or None if it has too few syllables."""
    x = voices[rng.integers(len(voices))].astype(np.float64) / 32_768
    try:
        singer = sung.Voice(x[: 7 * RATE])
        return sung.sing(rng, singer, line, seconds) if len(singer.syllables) >= 5 else None
    except (ValueError, IndexError):
        return None


def melodies(pop909, voices, count, half):
    """Up to as many melodies sung alone, half a minute each: quicker to make than songs."""
    rng = np.random.default_rng(910)
    paths = midi_files(pop909, half)
    for path in [paths[i] for i in rng.permutation(len(paths))[:count]]:
        melody = sung.midi_notes(path.read_bytes()).get("MELODY", [])
        if len(melody) >= 40:
            start, speed, shift = excerpt(rng, melody)
            line = [((a - start) / speed, (b - start) / speed, k + shift) for a, b, k in melody if start <= a < start + 26.0]
            voice = sung_by(rng, voices, monophonic(line), 26.0)
            if voice is not None:
                yield voice


def songs(pop909, fonts, fluidsynth, voices, count, half):
    """(voice alone, accompaniment, choir or lead of instruments) of as many songs: half a minute each."""
    rng = np.random.default_rng(909)
    paths = midi_files(pop909, half)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for path in [paths[i] for i in rng.permutation(len(paths))[:count]]:
            tracks = sung.midi_notes(path.read_bytes())
            melody = tracks.get("MELODY", [])
            if len(melody) < 40:
                continue
            start, speed, shift = excerpt(rng, melody)
            seconds, font = 26.0, fonts[rng.integers(len(fonts))]
            cut = lambda notes: [((a - start) / speed, (b - start) / speed, min(max(k + shift, 21), 108))
                                 for a, b, k in notes if start <= a < start + seconds * speed]  # fmt: skip
            line = monophonic(cut(melody))
            parts = []
            for name in ("PIANO", "BRIDGE"):
                family = PROGRAMS[rng.integers(len(PROGRAMS))] if rng.random() < 0.75 else PROGRAMS[0]
                if name == "PIANO" or rng.random() < 0.5:
                    parts.append((int(rng.choice(family)), cut(tracks.get(name, []))))
            piano = cut(tracks.get("PIANO", []))
            if rng.random() < 0.6:
                bass = [(a, b, k - 12) for a, b, k in piano if k < 60][::2]
                parts.append((int(rng.choice(PROGRAMS[2])), bass))
            if rng.random() < 0.6:
                beat = 60 / rng.uniform(70, 150)
                steps = np.arange(0, seconds, beat / 2)
                drums = [(t, t + 0.1, 42) for t in steps] + [(t, t + 0.1, 36) for t in steps[::4]]
                parts.append((None, drums + [(t, t + 0.1, 38) for t in steps[2::4]]))
            sung.write_midi(folder / "song.mid", parts, seconds)
            bed = sung.render(folder / "song.mid", font, folder / "song.wav", fluidsynth)[: int(seconds * RATE)]
            program = int(rng.choice(CHORUS)) if rng.random() < 0.3 else int(rng.choice(PROGRAMS[rng.integers(len(PROGRAMS))]))
            sung.write_midi(folder / "lead.mid", [(program, line)], seconds)
            lead = sung.render(folder / "lead.mid", font, folder / "lead.wav", fluidsynth)[: int(seconds * RATE)]
            voice = sung_by(rng, voices, line, seconds) if voices else None
            yield voice, bed, lead, program


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--packages", type=pathlib.Path, required=True)
    parser.add_argument("--pop909", type=pathlib.Path, required=True, help="folder with POP909's MIDI files")
    parser.add_argument("--fonts", type=pathlib.Path, nargs="+", required=True, help="sound fonts, one of them for each song")
    parser.add_argument("--fluidsynth", default="fluidsynth")
    parser.add_argument("--songs", type=int, default=150)
    parser.add_argument("--melodies", type=int, default=0, help="songs whose melodies are sung alone")
    parser.add_argument("--share", type=float, default=1, help="of the clips; fewer are quicker")
    parser.add_argument("--half", choices=[recordings.FIT, recordings.REPORT], default=recordings.FIT)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()

    library = {"speech": [], "music": [], "other": [], "sung": []}
    share = arguments.share
    for kind, source, x in packaged(arguments.packages, arguments.half, share):
        library[kind].append((source, x))
    print({kind: len(clips) for kind, clips in library.items()}, flush=True)
    if arguments.half == recordings.FIT:
        for source, x in spoken(arguments.corpus):
            library["speech"].append((source, x))
        for path in sorted(arguments.corpus.glob("classes/music*")):
            library["music"] += [("classes", decoded(path, start, 45)) for start in (0, 60)]
        for name, x in material.others(1, each=round(12 * share)):
            library["other"].append(("made:" + name.split("-")[0], as_int16(x)))
        for name, x in creatures.sounds(1, each=round(24 * share)):
            library["other"].append(("made:" + name.split("-")[0], as_int16(x)))
        for name, x in material.musics(1, each=round(20 * share)):
            library["music"].append(("made:" + name.split("-")[0], as_int16(x)))
        library["music"] += [("drumkits", x) for x in grooves.clips(arguments.packages, 1, round(140 * share))]
    print({kind: len(clips) for kind, clips in library.items()}, flush=True)
    voices = [x for source, x in library["speech"] if len(x) > 2.5 * RATE and "espeak" not in source]
    for voice, bed, lead, program in songs(arguments.pop909, arguments.fonts, arguments.fluidsynth, voices, arguments.songs, arguments.half):
        scaled = lambda x: as_int16(material.normalise(x, 0.5))
        library["music"].append(("pop909", scaled(bed)))
        library["sung" if program in CHORUS[1:] else "music"].append(("pop909-lead", scaled(lead)))
        if voice is not None:
            library["sung"].append(("world", scaled(voice), scaled(bed)))
    for voice in melodies(arguments.pop909, voices, arguments.melodies, arguments.half):
        library["sung"].append(("world", as_int16(material.normalise(voice, 0.5))))
    library = {kind: [clip for clip in clips if not is_silent(clip[1])] for kind, clips in library.items()}
    for kind, clips in library.items():
        seconds = sum(len(clip[1]) for clip in clips) / RATE
        print(f"{kind:8}{len(clips):6} clips {seconds / 60:7.1f} min from {len({clip[0] for clip in clips})} sources")
    arguments.out.write_bytes(pickle.dumps(library, protocol=4))


if __name__ == "__main__":
    main()
