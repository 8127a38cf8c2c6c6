"""Music whose beats and bars are known, to fit the bars on: rendered accompaniments, and the corpus cut and damaged.

    mkdir debs root
    (cd debs && apt-get download mma fluidsynth libfluidsynth3 libinstpatch-1.0-2 fluid-soundfont-gm timgm6mb-soundfont)
    for deb in debs/*.deb; do dpkg -x "$deb" root; done
    python3 tools/rhythm/material.py root ../shared/corpus material

writes half minutes as FLAC with their truth (`.beats`: time in s, position in the bar or 0) to material/fit and
material/report. Needs numpy, mido (MIT) and ffmpeg. Where the packages are installed, `root` is `/`.

Rendered: the accompaniment patterns of MMA 21.09 (GPL-2+), played by FluidSynth (LGPL-2.1+) with FluidR3 (MIT) or
TimGM6mb (GPL-2), all from Debian 12's main. Corpus: beats/ and drums/. Nothing of either is part of this repository, only
numbers fitted on the first half are. Everything is drawn from seeds; renderings that are there already are kept. A
pattern, or a piece of the corpus, belongs with all that is made of it to one half.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import random
import re
import subprocess
import tempfile

import mido
import numpy as np

FIT, REPORT = "fit", "report"
SECONDS = 30
FIT_PIECES = {"mdb_80sRock", "mdb_Beatles", "mdb_Country1"}  # those of beats/ have no downbeats
CHORDS = ["C", "Am", "F", "G", "Dm", "Em", "G7", "Am7", "Dm7", "CM7", "E7", "A7"]
SOUND_FONTS = ["FluidR3_GM.sf2", "TimGM6mb.sf2"]
DRUMS = 9  # the channel
MELODY_PROGRAMS = [0, 24, 40, 56, 65, 73, 68, 71, 11, 80]
DRUM_KITS = [0, 8, 16, 24, 25, 32, 40]
RHYTHMS = {  # of the melody, beats
    3: [[1, 1, 1], [0.5, 0.5, 1, 1], [1.5, 0.5, 1], [2, 1], [3], [1, 0.5, 0.5, 1], [0.5] * 6],
    4: [[1, 1, 1, 1], [2, 2], [1.5, 0.5, 2], [0.5, 0.5, 1, 0.5, 0.5, 1], [3, 1], [4], [1.5, 1.5, 1], [0.5] * 8],
}


class Pattern:
    """One of MMA's files of accompaniment."""

    def __init__(self, library, path):
        text = path.read_text(errors="ignore")
        self.name = f"{path.parent.name}_{path.stem}".replace("+", "n")
        self.library_name = path.relative_to(library).with_suffix("")
        self.grooves = re.findall(r"^\s*DefGroove\s+(\S+)", text, re.M)
        self.times = {int(x) for x in re.findall(r"^\s*Time\s+(\d+)\s*(?://.*)?$", text, re.M)}
        suggested = re.search(r"^\s*SuggestTempo\s+(\d+)", text, re.M | re.I)
        suggested = suggested or re.search(r"[Tt]empo\D{0,12}(\d{2,3})", text)
        self.tempo = int(suggested.group(1)) if suggested else None

    def usable(self):
        return self.grooves and not re.search("metronome|_none$", self.name)

    def song(self, rng, tempo, beats, varied):
        """A text for MMA, and how many bars it has: phrases of eight bars, AABA. The `varied` change chords not only
        with each bar, and play any groove."""
        groove = self.grooves[0]
        if varied:
            plain = [g for g in self.grooves if not re.search("(?i)fill|intro|end|sus|[0-9AB]$", g)]
            groove = rng.choice(plain or self.grooves)
        named = lambda suffix: [g for g in self.grooves if g.lower() == (groove + suffix).lower()]
        grooves = ([groove] + [g for suffix in ("1", "A", "B", "Sus", "2") for g in named(suffix)][:2])
        fill = named("Fill")
        changes = rng.choice(["bar", "bar", "two bars", "half bar", "mixed"]) if varied else "bar"
        phrases = {name: [rng.choice(CHORDS) for _ in range(8)] for name in "AB"}
        phrases["A"][0] = "C"
        count = max(2, int(((SECONDS + 4) * tempo / 60 + 4 * beats) / beats / 8) + 1) if varied else 12
        lines = ["RndSeed 1", "Tempo 100"]
        for bar in range(8 * count):
            name, index = "AABA"[bar // 8 % 4], bar % 8
            if index == 0:
                lines.append(f"Groove {self.library_name}:{grooves[0] if name == 'A' else grooves[-1]}")
            if index == 7 and fill:
                lines.append(f"Groove {self.library_name}:{fill[0]}")
            lines.append(f"{bar + 1} {chords(rng, phrases[name], index, beats, changes)}")
        return "\n".join(lines) + "\n", 8 * count


def chords(rng, phrase, index, beats, changes):
    """The chords of one bar."""
    chord, other = phrase[index], phrase[(index + 3) % 8]
    if changes == "bar" or (changes == "mixed" and rng.random() < 0.6):
        return chord
    if changes == "two bars":
        return phrase[index // 2 * 2]
    if rng.random() < 0.7:
        return f"{chord} {other}" if beats == 3 else f"{chord} / {other}"
    return chord


def clock(rng, tempo, beats):
    """When each beat falls (s), as a function: a tempo that drifts by up to 4 %, or does not."""
    drift = rng.uniform(0, 0.04) if rng.random() < 0.5 else 0
    period, phase = rng.uniform(10, 30) * tempo / 60, rng.uniform(0, 2 * np.pi)
    grid = np.arange(0, beats + 8, 0.05)
    bpm = tempo * (1 + drift * np.sin(2 * np.pi * grid / period + phase))
    times = np.concatenate([[0], np.cumsum(0.05 * 60 / bpm)])[:-1]
    return lambda beat: float(np.interp(beat, grid, times))


def accompaniment(rng, midi, time, mode, unevenness):
    """(time, order, message) of what MMA wrote, played unevenly (s)."""
    for track in midi.tracks:
        at = 0
        for message in track:
            at += message.time
            if message.is_meta:
                continue
            note = message.type.startswith("note")
            if note and (mode == "no-drums" and message.channel == DRUMS or mode == "drums" and message.channel != DRUMS):
                continue
            onset = message.type == "note_on" and message.velocity > 0
            late = rng.gauss(0, unevenness) if onset else 0
            yield max(0, time(at / midi.ticks_per_beat) + late), message.type != "program_change", message


def melody(rng, channel, time, beats, bars):
    """(time, order, message) of a tune that keeps four rhythms."""
    yield 0, 0, mido.Message("program_change", channel=channel, program=rng.choice(MELODY_PROGRAMS))
    note = rng.choice([67, 72, 76])
    rhythms = [rng.choice(RHYTHMS[beats]) for _ in range(4)]
    for bar in range(bars):
        at = bar * beats
        for length in rhythms[bar % 4]:
            if rng.random() < 0.85:
                note = min(88, max(60, note + rng.choice([-5, -4, -2, 0, 2, 4, 5])))
                onset = max(0, time(at) + rng.gauss(0, 0.015))
                velocity = rng.randint(70, 105)
                yield onset, 1, mido.Message("note_on", channel=channel, note=note, velocity=velocity)
                yield time(at + length * 0.92), 1, mido.Message("note_off", channel=channel, note=note)
            at += length


def score(events, until):
    """A MIDI file, in milliseconds, of the `events` until then (s), when all notes end: FluidSynth waits for them."""
    midi, track, last = mido.MidiFile(ticks_per_beat=1000), mido.MidiTrack(), 0
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000, time=0))
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        if at < until or message.type == "note_off" or message.type == "note_on" and message.velocity == 0:
            ms = round(min(at, until) * 1000)
            track.append(message.copy(time=ms - last))
            last = ms
    return midi


def render(root, pattern, seed, mode, varied, out):
    """Writes half a minute, begun anywhere in a bar, of `mode`: all, no-drums or drums."""
    rng = random.Random(seed)
    (beats,) = pattern.times
    tempo = pattern.tempo or (rng.randint(85, 170) if beats == 3 else rng.randint(75, 150))
    tempo *= rng.uniform(0.92, 1.08)
    text, bars = pattern.song(rng, tempo, beats, varied)
    time = clock(rng, tempo, bars * beats)
    unevenness = rng.uniform(0, 0.010)
    start = time(rng.uniform(0, beats * 4) + 0.3)
    libraries = ":".join(map(str, root.glob("usr/lib/*-linux-gnu")))
    environment = dict(os.environ, LD_LIBRARY_PATH=libraries, PYTHONPATH=str(root / "usr/share/mma"))
    with tempfile.TemporaryDirectory() as folder:
        source, midi, sound = (pathlib.Path(folder, f"song.{suffix}") for suffix in ("mma", "mid", "wav"))
        source.write_text(text)
        subprocess.run([root / "usr/bin/mma", "-f", midi, source], env=environment, check=True, capture_output=True, timeout=60)
        events = list(accompaniment(rng, mido.MidiFile(midi), time, mode, unevenness))
        if not any(message.type == "note_on" for *_, message in events):
            return  # nothing to hear: drums alone of a pattern without
        if mode == "drums":
            kit = mido.Message("program_change", channel=DRUMS, program=rng.choice(DRUM_KITS))
            other = lambda m: m.type == "program_change" and m.channel == DRUMS
            events = [(0, 0, kit)] + [event for event in events if not other(event[2])]
        elif rng.random() < 0.6:
            used = {m.channel for *_, m in events if hasattr(m, "channel")}
            free = [c for c in range(16) if c != DRUMS and c not in used]
            events += melody(rng, free[-1], time, beats, bars) if free else []
        score(events, start + SECONDS + 1).save(midi)
        font = SOUND_FONTS[0 if mode == "drums" or rng.random() < 0.7 else 1]
        command = [root / "usr/bin/fluidsynth", "-niq", "-g", "0.5", "-R", str(int(rng.random() < 0.6)), "-C", "0"]
        command += ["-F", sound, "-r", "44100", root / "usr/share/sounds/sf2" / font, midi]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        cut(sound, out, start, SECONDS, f"volume={rng.uniform(-10, 6):.1f}dB")
    truth = [(time(beat) - start, beat % beats + 1) for beat in range(bars * beats)]
    write_truth(out, [(at, position) for at, position in truth if 0 <= at < SECONDS])


def cut(source, out, start, seconds, filters, codec=()):
    """`seconds` (all where 0) of `source` from `start`, mono at 44.1 kHz."""
    command = ["ffmpeg", "-v", "error", "-y", "-ss", f"{start:.6f}", *(["-t", f"{seconds:.6f}"] if seconds else [])]
    command += ["-i", source, "-af", f"aformat=channel_layouts=mono,aresample=44100,{filters}", *codec, out]
    subprocess.run(command, check=True)


def write_truth(sound, beats):
    lines = [f"{at:.4f} {position}\n" for at, position in beats]
    sound.with_suffix(".beats").write_text("".join(lines))


def rendered(root):
    """(pattern, seed, mode, varied) of each rendering."""
    library = root / "usr/share/mma/lib"
    patterns = [Pattern(library, path) for path in sorted(library.glob("*/*.mma"))]
    patterns = [p for p in patterns if p.usable()]
    three = [p for p in patterns if p.times == {3}]
    four = [p for p in patterns if p.times == {4} and not re.search("68|waltz", str(p.library_name))]
    rng = random.Random(5)
    rng.shuffle(four)
    rng.shuffle(three)
    plain = [(p, "all") for p in four[:56]] + [(p, "no-drums") for p in four[56:86]]
    plain += [(p, "drums") for p in four[86:106]]
    plain += [(p, ["all", "no-drums", "all"][i % 3]) for i, p in enumerate(three)]
    varied = [(p, ["drums", "all", "no-drums", "drums"][i % 4]) for i, p in enumerate(four[106:] + four[:40])]
    varied += [(p, mode) for p in three for mode in ("no-drums", "drums", "all")]
    rng.shuffle(varied)
    yield from ((p, 1000 + i, mode, False) for i, (p, mode) in enumerate(plain))
    yield from ((p, 5000 + i, mode, True) for i, (p, mode) in enumerate(varied))


def damage(source, out):
    """Writes fifteen variants of a piece of the corpus as `out(group, number)` says."""
    rng = random.Random(source.stem)
    beats = [line.split() for line in source.with_suffix(".beats").read_text().splitlines() if line.strip()]
    beats = [(float(at), int(*position[:1] or [0])) for at, *position in beats]
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", source]
    length = float(subprocess.run(probe, capture_output=True, text=True, check=True).stdout)

    def make(path, start=0.0, seconds=0.0, filters="anull", speed=1.0, codec=()):
        cut(source, path, start, seconds, filters, codec)
        moved = [((at - start) / speed, position) for at, position in beats]
        write_truth(path, [(at, p) for at, p in moved if 0 <= at < (seconds or length) / speed])

    for number in range(6):
        beat = rng.randrange(1, max(2, min(len(beats) // 3, 40)))
        start = beats[beat][0] + rng.uniform(0.15, 0.85) * (beats[beat + 1][0] - beats[beat][0])
        start = min(start, length - 15)
        make(out("cut", number), start, min(SECONDS, length - start))
    for number, speed in enumerate((0.8, 0.9, 1.12, 1.25)):
        make(out("speed", number), 1.37, 0, f"asetrate={44100 * speed:.0f},aresample=44100", speed)
    noise = "anoisesrc=r=44100:a=0.03:c=pink:s=7[n];[m][n]amix=inputs=2:duration=first:normalize=0"
    harms = ["lowpass=f=3500,lowpass=f=3500", "volume=-20dB", "volume=8dB", f"anull[m];{noise}"]
    for number, filters in enumerate(harms):
        make(out("harm", number), filters=filters)
    with tempfile.NamedTemporaryFile(suffix=".mp3") as mp3:
        cut(source, mp3.name, 0, 0, "anull", ["-b:a", "64k"])
        cut(mp3.name, out("harm", len(harms)), 0, 0, "anull")
    write_truth(out("harm", len(harms)), beats)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path, help="where the packages are unpacked")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    for half in (FIT, REPORT):
        arguments.out.joinpath(half).mkdir(parents=True, exist_ok=True)
    path = lambda half, group, source, number: arguments.out / half / f"{group}@{source}@{number}.flac"
    jobs = {FIT: [], REPORT: []}
    for folder in ("drums", "beats"):
        for source in sorted(arguments.corpus.joinpath(folder).glob("*.flac")):
            piece = source.stem.removesuffix("_mix")
            half = FIT if piece in FIT_PIECES else REPORT
            out = lambda group, number, half=half, source=source, piece=piece: path(
                half, f"{source.parent.name} {group}", piece, f"{source.stem}{number}")  # fmt: skip
            jobs[half].append((damage, source, out))
    for pattern, seed, mode, varied in rendered(arguments.root):
        half = REPORT if hashlib.md5(pattern.name.encode()).digest()[0] % 2 else FIT
        out = path(half, f"rendered {mode} in {max(pattern.times)}", pattern.name, seed)
        if not out.with_suffix(".beats").exists():
            jobs[half].append((render, arguments.root.resolve(), pattern, seed, mode, varied, out))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        for job in [workers.submit(*job) for job in jobs[FIT] + jobs[REPORT]]:
            job.result()


if __name__ == "__main__":
    main()
