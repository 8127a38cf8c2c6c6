"""Songs whose beats, bars and onsets are known, in great variety, to train the rhythm net on.

    python3 tools/rhythm/songs.py ROOT POP909.git OUT --kind pop909 --from 0 --to 120

writes each song as `.npz`: `features` (the net's inputs), `beats`, `positions` (1 is the downbeat), `onsets` (s, velocity) and
`beatless` (whether nobody could tell the beat); with `--listen` also as WAV. ROOT holds Debian's fluidsynth, libfluidsynth3,
libinstpatch-1.0-2, fluid-soundfont-gm, timgm6mb-soundfont, opl3-soundfont and mma unpacked (see material.py); POP909.git is a
bare clone of music-x-lab/POP909-Dataset (MIT). Kinds: `pop909` (its melodies and chords, arranged anew), `made` (chords, tunes
and grooves drawn by chance, bars of 2 to 7), `loop` (these, but slow, fast or in five or seven), `mma` (the accompaniments of MMA's patterns). Everything is drawn from the song's
number. Needs numpy, scipy, mido, ffmpeg.
"""

import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile

import mido
import numpy as np
import scipy.io.wavfile
import scipy.signal
from features import features

RATE = 44_100
DRUMS = 9
KICK, SNARE, STICK, CLAP, HAT, PEDAL, OPEN, RIDE, CRASH, SHAKER, TAMB, CONGA = 36, 38, 37, 39, 42, 44, 46, 51, 49, 70, 54, 63
LEADS = [52, 53, 54, 85, 40, 41, 56, 57, 64, 65, 66, 67, 68, 71, 73, 75, 78, 79, 80, 81, 29, 30, 26, 0, 4, 11, 21, 22]
VOICES = [52, 53, 54, 85]
KEYS = [0, 1, 2, 4, 5, 6, 7, 16, 17, 18, 19, 24, 25, 26, 27, 28, 29, 30, 46, 48, 50, 61, 80, 81, 88, 89, 90, 104, 105, 11]
PADS = [48, 49, 50, 51, 52, 88, 89, 90, 91, 92, 93, 94, 95, 16, 19, 21]
BASSES = [32, 33, 34, 35, 36, 37, 38, 39, 43, 58]
KITS = [0, 8, 16, 24, 25, 32, 40]
ROOTS = dict(zip("C D E F G A B".split(), (0, 2, 4, 5, 7, 9, 11)))


class Song:
    """Notes in beats: (start, end, channel, pitch, velocity); programs by channel."""

    def __init__(self, rng):
        self.rng, self.notes, self.programs, self.late = rng, [], {}, {}

    def part(self, channel, programs, late=0.008):
        self.programs[channel] = int(self.rng.choice(programs))
        self.late[channel] = (self.rng.normal(0, late), self.rng.uniform(0.2, 1) * late)
        return channel

    def add(self, start, length, channel, pitch, velocity):
        self.notes.append((start, start + length, channel, int(pitch), int(np.clip(velocity, 20, 127))))


def chord_pitches(name):
    """Pitch classes of `A#:min7/b3` or None."""
    if name == "N":
        return None
    root, _, kind = name.partition(":")
    base = ROOTS[root[0]] + root.count("#") - root.count("b")
    third = 3 if kind.startswith(("min", "dim", "hdim")) else 5 if kind.startswith("sus4") else 4
    fifth = 6 if kind.startswith(("dim", "hdim")) else 8 if kind.startswith("aug") else 7
    return [(base + step) % 12 for step in [0, third, fifth] + ([10] if "7" in kind else [])]


# Drums -----------------------------------------------------------------------------------------------------------------


def groove(rng, metre, triplet, plain=None):
    """{drum: [(step, velocity)]} of one bar; `per` steps a beat. `plain`: hats that are wanted, with kick and snare on beats."""
    per = 3 if triplet else 4
    steps = metre * per
    half = per // 2 if not triplet else 2
    beat = lambda b: b * per
    pattern = {}
    hit = lambda drum, step, velocity=100: pattern.setdefault(drum, []).append((step % steps, velocity))
    style = rng.choice(["back", "back", "back", "floor", "half", "double", "reggae", "bossa", "sparse", "march", "ride", "toms"])
    if metre != 4 and style in ("floor", "reggae", "bossa", "half", "double"):
        style = rng.choice(["back", "floor", "sparse", "ride"])
    if plain:
        style = "back"
    snare = rng.choice([SNARE, 40, SNARE, STICK, CLAP])
    back = [b for b in range(metre) if b % 2] if metre % 2 == 0 else {3: [[1, 2], [2], [1]][rng.integers(3)], 5: [[3], [1, 3, 4], [2, 4]][rng.integers(3)], 7: [[2, 4, 6], [3, 5], [1, 3, 5]][rng.integers(3)]}[metre]
    if style in ("back", "ride"):
        hit(KICK, 0, 115)
        for b in range(1, metre):
            if b not in back and rng.random() < 0.8:
                hit(KICK, beat(b), 105)
        for _ in range(rng.integers(0, 4)):
            hit(KICK, int(rng.integers(steps)), 90)
        for b in back:
            hit(snare, beat(b), 115)
    elif style == "floor":
        for b in range(metre):
            hit(KICK, beat(b), 115)
        for b in back:
            if rng.random() < 0.8:
                hit(snare, beat(b), 110)
    elif style == "half":
        hit(KICK, 0, 115)
        hit(snare, beat(2), 115)
        for _ in range(rng.integers(0, 3)):
            hit(KICK, half * int(rng.integers(2 * metre)), 95)
    elif style == "double":
        for b in range(metre):
            hit(KICK, beat(b), 110)
            hit(snare, beat(b) + half, 110)
    elif style == "reggae":
        hit(KICK, beat(2), 115)
        hit(snare, beat(2), 110)
        if rng.random() < 0.5:
            hit(KICK, 0, 100)
    elif style == "bossa" and not triplet:
        for s in (0, 3 * 2, 4 * 2, 7 * 2):
            hit(KICK, s, 100)
        for s in [(0, 3, 6, 10, 13), (2, 5, 8, 11, 14), (0, 3, 7, 10, 12)][rng.integers(3)]:
            hit(STICK, s, 95)
    elif style == "march":
        for b in range(metre):
            hit(KICK if b % 2 == 0 else snare, beat(b), 105)
        for s in range(steps):
            if rng.random() < 0.3:
                hit(snare, s, 60)
    elif style == "toms":
        for s in range(0, steps, half):
            if s == 0 or rng.random() < 0.6:
                hit([45, 47, 41, 43, CONGA, 64, 62][rng.integers(7)], s, 95)
    else:
        hit(KICK, 0, 105)
        for b in back:
            if rng.random() < 0.5:
                hit(snare, beat(b), 90)
    cymbal = [HAT, HAT, HAT, RIDE, SHAKER, TAMB, OPEN, PEDAL, 53, 69][rng.integers(10)]
    hats = ["eighth", "quarter", "sixteenth", "off", "off", "random", "none", "back"][rng.integers(8)]
    if style in ("reggae", "floor") and rng.random() < 0.6:
        hats, cymbal = "off", [OPEN, HAT, TAMB][rng.integers(3)]
    hats = plain or hats
    accent = rng.choice([0, 20, -20, 30])
    every = {"eighth": range(0, steps, half if not triplet else 1), "quarter": range(0, steps, per), "sixteenth": range(steps), "off": range(half, steps, per), "back": [beat(b) for b in back], "none": [],
             "random": [s for s in range(steps) if rng.random() < 0.5]}[hats]  # fmt: skip
    if triplet and hats == "eighth" and rng.random() < 0.6:
        every = [s for s in range(steps) if s % 3 != 1]
    for s in every:
        hit(cymbal, s, 75 + (accent if s % per == 0 else 0) + rng.integers(-8, 8))
    for _ in range(rng.integers(0, 3)):
        hit(snare, int(rng.integers(steps)), 45)
    return pattern, per


def drums(song, first, bars, metre, triplet, swing, plain=None):
    rng = song.rng
    song.part(DRUMS, KITS, 0.004)
    a, per = groove(rng, metre, triplet, plain)
    b, _ = groove(rng, metre, triplet, plain) if rng.random() < 0.35 else (a, per)
    loud = {drum: rng.uniform(0.6, 1.1) for drum in range(128)}
    fills, section = rng.random() < 0.7, int(rng.choice([4, 8, 8, 16]))
    pause = rng.random() < 0.15
    for bar in range(bars):
        if pause and bar // section % 4 == 3:
            continue
        pattern = b if bar // section % 2 else a
        fill = fills and bar % section == section - 1 and rng.random() < 0.7
        until = metre * per - (int(rng.choice([1, 2, 2])) * per if fill else 0)
        for drum, hits in pattern.items():
            for step, velocity in hits:
                if step < until and rng.random() < 0.985:
                    song.add(first + bar * metre + swung(step / per, swing), 0.2, DRUMS, drum, velocity * loud[drum] + rng.integers(-6, 7))
        for step in range(until, metre * per):
            if rng.random() < 0.75:
                song.add(first + bar * metre + step / per, 0.2, DRUMS, rng.choice([SNARE, 45, 47, 48, 50, 43, KICK]), rng.integers(70, 118))
        if bar % section == 0 and rng.random() < 0.5:
            song.add(first + bar * metre, 1, DRUMS, rng.choice([CRASH, 57, 55]), 105)


def swung(beat, swing):
    """The off-beats (of quarter notes) later by `swing` of half a beat."""
    whole = np.floor(beat)
    part = beat - whole
    middle = 0.5 * (1 + swing)
    return whole + (part / 0.5 * middle if part < 0.5 else middle + (part - 0.5) / 0.5 * (1 - middle))


# Bass and chords -------------------------------------------------------------------------------------------------------


def bass(song, chords, metre, swing):
    """`chords`: (start, end, pitch classes) in beats from a downbeat."""
    rng = song.rng
    channel = song.part(1, BASSES)
    style = rng.choice(["root", "eighths", "octave", "walk", "sync", "half", "off"])
    cells = {"root": [0], "half": [0, 2], "eighths": [i / 2 for i in range(2 * metre)], "octave": [i / 2 for i in range(2 * metre)], "walk": list(range(metre)),
             "sync": sorted(set([0, *rng.choice(np.arange(1, 4 * metre) / 4, rng.integers(1, 6), replace=False)])), "off": [i + 0.5 for i in range(metre)]}[style]  # fmt: skip
    loud = rng.uniform(0.75, 1.1)
    for start, end, chord in chords:
        if chord is None:
            continue
        base = 28 + (chord[0] - 28) % 12
        bar = np.floor(start / metre) * metre
        while bar < end:
            here = [bar + c for c in cells if start - 1e-3 <= bar + c < end - 1e-3]
            if not here or here[0] > start + 0.6 and style != "off":
                here = sorted({start, *here}) if bar <= start < bar + metre else here
            for i, at in enumerate(here):
                up = 12 if style == "octave" and i % 2 else (rng.choice([c - chord[0] for c in chord]) % 12 if style == "walk" and i else 0)
                gap = (here[i + 1] if i + 1 < len(here) else min(end, bar + metre)) - at
                song.add(swung(at, swing), gap * rng.uniform(0.6, 0.95), channel, base + up, (95 + rng.integers(-10, 10)) * loud)
            bar += metre


def comping(song, channel, chords, metre, swing, pad=False):
    rng = song.rng
    song.part(channel, PADS if pad else KEYS)
    style = "pad" if pad else rng.choice(["pad", "beats", "eighths", "off", "off", "arpeggio", "arpeggio", "sync", "first", "waltz"])
    if style == "sync":
        cell = sorted(set(rng.choice(np.arange(4 * metre) / 4, rng.integers(2, 7), replace=False)))
    cells = {"pad": [0], "first": [0], "beats": list(range(metre)), "eighths": [i / 2 for i in range(2 * metre)], "off": [i + 0.5 for i in range(metre)], "waltz": list(range(1, metre)),
             "arpeggio": [i * s for s in [[0.5, 0.5, 0.25, 1 / 3][rng.integers(4)]] for i in range(round(metre / s))], "sync": cell if style == "sync" else []}[style]  # fmt: skip
    octave, loud, order = rng.choice([48, 55, 60, 60, 67]), rng.uniform(0.55, 1.05), rng.integers(3)
    spread = rng.choice([0, 0, 0.02])
    for start, end, chord in chords:
        if chord is None:
            continue
        pitches = [octave + (c - octave) % 12 for c in chord]
        bar = np.floor(start / metre) * metre
        while bar < end:
            here = [bar + c for c in cells if start - 1e-3 <= bar + c < end - 1e-3]
            if bar <= start < bar + metre and style in ("pad", "first", "beats"):
                here = sorted({start, *here})
            for i, at in enumerate(here):
                gap = (here[i + 1] if i + 1 < len(here) else min(end, bar + metre)) - at
                velocity = (82 + rng.integers(-8, 8) + (8 if at % metre == 0 else 0)) * loud
                if style == "arpeggio":
                    n = len(pitches)
                    k = [i % n, (2 * n - 2 - i % (2 * n - 2)) if i % (2 * n - 2) >= n else i % (2 * n - 2), (i * 2) % n][order]
                    song.add(swung(at, swing), gap * 1.5, channel, pitches[k] + 12 * (i // n % 2 if order == 0 else 0), velocity)
                else:
                    for k, pitch in enumerate(pitches):
                        song.add(swung(at, swing) + k * spread, gap * (0.95 if style == "pad" else rng.uniform(0.3, 0.9)), channel, pitch, velocity)
            bar += metre


# Sources ---------------------------------------------------------------------------------------------------------------


def git(repository, path):
    return subprocess.run(["git", f"--git-dir={repository}", "show", f"HEAD:{path}"], capture_output=True, check=True).stdout


def pop909(rng, repository, number):
    """Song, beats (s), positions and the offset of the first beat; what there is of the MIDI, and new parts."""
    name = f"{number + 1:03d}"
    rows = [line.split() for line in git(repository, f"POP909/{name}/beat_midi.txt").decode().splitlines()]
    times = np.array([float(row[0]) for row in rows])
    down = np.array([float(row[2]) == 1 for row in rows])
    if len(times) < 64 or not 12 <= down.sum() or np.any(np.diff(times) < 0.15):
        return None
    metre = int(np.median(np.diff(np.flatnonzero(down))))
    first = int(np.flatnonzero(down)[0])
    if metre not in (3, 4) or np.any(np.diff(np.flatnonzero(down)) != metre):
        return None
    to_beat = lambda t: float(np.interp(t, times, np.arange(len(times)))) - first
    song = Song(rng)
    with tempfile.NamedTemporaryFile(suffix=".mid") as file:
        file.write(git(repository, f"POP909/{name}/{name}.mid"))
        file.flush()
        midi = mido.MidiFile(file.name)
    played = tracks(midi)
    key = int(rng.integers(-5, 7))
    chords = []
    for line in git(repository, f"POP909/{name}/chord_midi.txt").decode().splitlines():
        start, end, chord = line.split()
        pitches = chord_pitches(chord)
        chords.append((round(to_beat(float(start)) * 2) / 2, round(to_beat(float(end)) * 2) / 2, pitches and [(p + key) % 12 for p in pitches]))
    chords = [c for c in chords if c[1] > c[0] >= 0]
    swing = rng.choice([0, 0, 0, rng.uniform(0.1, 0.35)])
    mode = rng.choice(["full", "full", "full", "full", "piano", "band", "rhythm", "acoustic", "drums"])
    lead = mode in ("full", "piano", "acoustic") or rng.random() < 0.2
    octave = int(rng.choice([0, 0, -12, 12]))
    if lead:
        channel = song.part(2, VOICES + LEADS, 0.015)
        for start, end, pitch, velocity in played.get("MELODY", []):
            song.add(swung(to_beat(start), swing), to_beat(end) - to_beat(start), channel, np.clip(pitch + key + octave, 30, 100), velocity * 1.1)
    if mode == "piano" or mode == "full" and rng.random() < 0.4:
        channel = song.part(3, [0, 0, 0, 1, 4, 5, 24, 25, 26, 46, 6])
        loud = rng.uniform(0.6, 1.05)
        for start, end, pitch, velocity in played.get("PIANO", []) + (played.get("BRIDGE", []) if rng.random() < 0.6 else []):
            song.add(swung(to_beat(start), swing), to_beat(end) - to_beat(start), channel, pitch + key, velocity * loud)
    bars = (len(times) - first) // metre
    if mode in ("full", "band", "rhythm", "drums") and (mode != "full" or rng.random() < 0.85):
        drums(song, 0, bars, metre, False, swing)
    if mode in ("full", "band", "rhythm") or mode == "acoustic" and rng.random() < 0.5:
        bass(song, chords, metre, swing)
    if mode in ("full", "band", "acoustic"):
        comping(song, 4, chords, metre, swing)
        if rng.random() < 0.5:
            comping(song, 5, chords, metre, swing, pad=rng.random() < 0.6)
    bpm = 60 / np.median(np.diff(times))
    wanted = np.clip(bpm * 2 ** rng.uniform(-0.55, 0.6), 52, 205)
    return song, len(times) - first, metre, wanted, mode


def tracks(midi):
    """{track: [(start s, end s, pitch, velocity)]}."""
    seconds, tempo, changes, at = {}, 500_000, [(0, 0.0, 500_000)], 0
    for message in mido.merge_tracks(midi.tracks):
        at += message.time
        if message.type == "set_tempo":
            tick, time, old = changes[-1]
            changes.append((at, time + (at - tick) * old / 1e6 / midi.ticks_per_beat, message.tempo))
    ticks = np.array([c[0] for c in changes])

    def second(tick):
        index = int(np.searchsorted(ticks, tick, "right")) - 1
        base, time, tempo = changes[index]
        return time + (tick - base) * tempo / 1e6 / midi.ticks_per_beat

    found = {}
    for track in midi.tracks:
        at, sounding, notes = 0, {}, []
        for message in track:
            at += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = (at, message.velocity)
            elif message.type in ("note_on", "note_off") and message.note in sounding:
                start, velocity = sounding.pop(message.note)
                notes.append((second(start), second(at), message.note, velocity))
        found[track.name.strip()] = notes
    return found


PROGRESSIONS = ["C G A:min F", "A:min F C G", "C F G C", "D:min G C A:min", "C A:min D:min G", "A:min G F E", "E:min C G D", "C C F G", "F G E:min A:min", "C D:min E:min F", "A:min A:min D:min E:7", "C F C G", "G D A:min C", "D A B:min G"]


def made(rng, loop=False):
    """`loop`: slow, fast or in five or seven, with hats on the halves or off the beats."""
    song = Song(rng)
    metre = int(rng.choice([4, 4, 4, 3, 5, 5, 7, 7, 6] if loop else [4, 4, 4, 4, 3, 3, 3, 5, 7, 6, 2]))
    plain = rng.choice(["eighth", "off"]) if loop else None
    triplet = False if loop else rng.random() < (0.6 if metre in (2, 4) and rng.random() < 0.4 else 0.05)
    swing = 0 if triplet else rng.choice([0, 0, 0, rng.uniform(0.05, 0.35)])
    bpm = float(np.exp(rng.uniform(np.log(52), np.log(205)))) if rng.random() < 0.4 else float(np.clip(rng.normal(112, 28), 55, 205))
    if loop:
        bpm = float(rng.uniform(*[(55, 75), (55, 75), (165, 210), (75, 165)][rng.integers(3 + (metre in (5, 7)))]))
    bars = int(60 / 60 * bpm / metre) + 3
    key = int(rng.integers(12))
    rate = float(rng.choice([metre, metre, metre, 2 * metre, metre / 2 if metre % 2 == 0 else metre]))
    sections = [PROGRESSIONS[rng.integers(len(PROGRESSIONS))].split() for _ in range(2)]
    chords = []
    for i in range(int(bars * metre / rate)):
        name = sections[int(i * rate / metre) // 8 % 2]
        pitches = chord_pitches(name[i % len(name)])
        chords.append((i * rate, (i + 1) * rate, [(p + key) % 12 for p in pitches]))
    mode = rng.choice(["full", "rhythm", "drums"] if loop else ["full", "full", "full", "drums", "rhythm", "acoustic", "band", "solo", "pads"])
    if mode in ("full", "drums", "rhythm", "band"):
        drums(song, 0, bars, metre, triplet, swing, plain)
    if mode in ("full", "rhythm", "band") or mode == "acoustic" and rng.random() < 0.5:
        bass(song, chords, metre, swing)
    if mode in ("full", "acoustic", "band"):
        comping(song, 4, chords, metre, swing)
    if mode in ("full", "acoustic", "pads") and rng.random() < 0.6:
        comping(song, 5, chords, metre, swing, pad=True)
    if mode in ("full", "acoustic", "solo", "pads") and (mode != "full" or rng.random() < 0.8):
        channel = song.part(2, VOICES if mode == "solo" and rng.random() < 0.5 else LEADS, 0.015)
        tune(song, channel, chords, metre, bars, swing, triplet)
    return song, bars * metre, metre, bpm, mode


def tune(song, channel, chords, metre, bars, swing, triplet):
    rng = song.rng
    step = 1 / 3 if triplet else rng.choice([0.5, 0.5, 0.25])
    rhythms = []
    for _ in range(4):
        at, rhythm = rng.choice([0, 0, 0.5, 1]), []
        while at < metre:
            length = step * rng.choice([1, 1, 2, 2, 3, 4, 6])
            if rng.random() < 0.85:
                rhythm.append((at, length))
            at += length
        rhythms.append(rhythm)
    pitch, order = rng.integers(60, 74), rng.choice([[0, 1, 0, 2], [0, 0, 1, 1], [0, 1, 2, 3]])
    rate = chords[0][1] - chords[0][0]
    for bar in range(bars):
        if bar % 8 == 7 and rng.random() < 0.5:
            continue
        for at, length in rhythms[order[bar % 4] if not isinstance(order, int) else 0]:
            beat = bar * metre + at
            chord = chords[min(int(beat / rate), len(chords) - 1)][2]
            scale = [p for p in range(52, 86) if p % 12 in chord or rng.random() < 0.25]
            near = sorted(scale, key=lambda p: abs(p - pitch - rng.integers(-5, 6)))
            pitch = near[0]
            song.add(swung(beat, swing), length * rng.uniform(0.7, 1.02), channel, pitch, 88 + rng.integers(-12, 14))


def mma(rng, root, patterns, number):
    pattern, mode = patterns[number % len(patterns)], ["all", "all", "no-drums", "drums", "all"][number % 5]
    beats = max(pattern.times)
    tempo = (pattern.tempo or (rng.integers(85, 170) if beats == 3 else rng.integers(75, 150))) * rng.uniform(0.85, 1.18)
    import random

    text, bars = pattern.song(random.Random(int(rng.integers(1 << 30))), tempo, beats, True)
    bars = min(bars, int(50 * tempo / 60 / beats) + 2)
    song = Song(rng)
    environment = dict(os.environ, PYTHONPATH=str(root / "usr/share/mma"))
    with tempfile.TemporaryDirectory() as folder:
        source, out = pathlib.Path(folder, "song.mma"), pathlib.Path(folder, "song.mid")
        source.write_text(text)
        subprocess.run([root / "usr/bin/mma", "-f", out, source], env=environment, check=True, capture_output=True, timeout=60)
        midi = mido.MidiFile(out)
    for track in midi.tracks:
        at, sounding = 0, {}
        for message in track:
            at += message.time
            beat = at / midi.ticks_per_beat
            if message.type == "program_change":
                song.programs.setdefault(message.channel, message.program)
            elif message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = (beat, message.velocity)
            elif message.type in ("note_on", "note_off") and (message.channel, message.note) in sounding:
                start, velocity = sounding.pop((message.channel, message.note))
                if (mode != "no-drums" or message.channel != DRUMS) and (mode != "drums" or message.channel == DRUMS):
                    song.add(start, max(beat - start, 0.05), message.channel, message.note, velocity)
    if rng.random() < 0.5 and DRUMS in song.programs or mode == "drums":
        song.programs[DRUMS] = int(rng.choice(KITS))
    for channel in {n[2] for n in song.notes}:
        song.late[channel] = (0, rng.uniform(0, 0.01))
    if mode != "drums" and rng.random() < 0.6:
        free = [c for c in range(16) if c != DRUMS and c not in song.programs]
        if free:
            channel = song.part(free[0], LEADS, 0.015)
            key = int(rng.integers(12))
            tune(song, channel, [(i * beats, (i + 1) * beats, [key, (key + 4) % 12, (key + 7) % 12]) for i in range(bars)], beats, bars, 0, False)
    return (song, bars * beats, beats, tempo, mode) if song.notes else None


# Audio -----------------------------------------------------------------------------------------------------------------


def clock(rng, bpm, beats):
    """The time of each beat (s) as a function: steady, drifting, rubato or with a change of tempo."""
    grid = np.arange(-2, beats + 16, 0.05)
    kind = rng.choice(["steady", "steady", "steady", "drift", "rubato", "change"])
    log = np.zeros(len(grid))
    if kind == "drift":
        log = rng.uniform(0.005, 0.06) * np.sin(2 * np.pi * grid / (rng.uniform(8, 40) * bpm / 60) + rng.uniform(0, 7))
    elif kind == "rubato":
        noise = np.convolve(rng.normal(0, 1, len(grid) + 400), np.hanning(int(rng.uniform(30, 160))), "same")[: len(grid)]
        log = noise / noise.std() * rng.uniform(0.02, 0.08)
    elif kind == "change":
        log = np.where(grid > rng.uniform(0.2, 0.8) * beats, rng.uniform(-0.3, 0.3), 0)
    bpms = bpm * np.exp(log)
    times = np.concatenate([[0], np.cumsum(0.05 * 60 / bpms)])[:-1]
    return lambda beat: np.interp(beat, grid, times)


def synthesize(rng, root, song, time, start, seconds, font):
    """Samples of `seconds` from `start`."""
    events = []
    for channel, program in song.programs.items():
        events.append((0, 0, mido.Message("program_change", channel=channel, program=program)))
        events.append((0, 1, mido.Message("control_change", channel=channel, control=7, value=int(rng.integers(70, 120)))))
        if channel != DRUMS and program in VOICES + [40, 73, 65] and rng.random() < 0.7:
            events.append((0, 1, mido.Message("control_change", channel=channel, control=1, value=int(rng.integers(20, 110)))))
    onsets = []
    for begin, end, channel, pitch, velocity in song.notes:
        mean, spread = song.late.get(channel, (0, 0.004))
        on = float(time(begin)) + mean + rng.normal(0, spread) - start
        off = float(time(end)) + mean - start
        if on < -0.5 or on > seconds:
            continue
        onsets.append((on, velocity))
        on = max(on, 0) + 0.5
        events.append((on, 3, mido.Message("note_on", channel=channel, note=int(np.clip(pitch, 0, 127)), velocity=velocity)))
        events.append((min(max(off + 0.5, on + 0.03), seconds + 0.6), 2, mido.Message("note_off", channel=channel, note=int(np.clip(pitch, 0, 127)))))
    midi, track, last = mido.MidiFile(ticks_per_beat=1000), mido.MidiTrack(), 0
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000, time=0))
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        ms = round(at * 1000)
        track.append(message.copy(time=max(ms - last, 0)))
        last = max(ms, last)
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, root.glob("usr/lib/*-linux-gnu"))))
    with tempfile.TemporaryDirectory() as folder:
        path, sound = pathlib.Path(folder, "song.mid"), pathlib.Path(folder, "song.wav")
        midi.save(path)
        command = [root / "usr/bin/fluidsynth", "-niq", "-g", "0.4", "-R", str(int(rng.random() < 0.5)), "-C", "0", "-F", sound, "-r", str(RATE), font, path]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=200)
        _, samples = scipy.io.wavfile.read(sound)
    samples = samples.astype(np.float32).mean(1) / 32768
    samples = samples[RATE // 2 : RATE // 2 + int(seconds * RATE)]
    return np.pad(samples, (0, max(0, int(seconds * RATE) - len(samples)))), np.array(sorted(onsets)).reshape(-1, 2)


def produced(rng, x):
    """As records are: equalised, in a room, compressed, noisy, coded, at some level."""
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 4)):
            gain, hz, q = 10 ** (rng.uniform(-9, 9) / 40), np.exp(rng.uniform(np.log(60), np.log(10_000))), rng.uniform(0.5, 2)
            w = 2 * np.pi * hz / RATE
            alpha = np.sin(w) / (2 * q)
            b, a = [1 + alpha * gain, -2 * np.cos(w), 1 - alpha * gain], [1 + alpha / gain, -2 * np.cos(w), 1 - alpha / gain]
            x = scipy.signal.lfilter(np.array(b) / a[0], np.array(a) / a[0], x)
    if rng.random() < 0.35:
        length = int(rng.uniform(0.2, 1.5) * RATE)
        tail = rng.normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
        wet = scipy.signal.oaconvolve(x, tail / np.sqrt((tail**2).sum()))[: len(x)]
        delay = int(rng.uniform(0.003, 0.03) * RATE)
        x = x + 10 ** (rng.uniform(-18, 0) / 20) * np.pad(wet, (delay, 0))[: len(x)]
    if rng.random() < 0.7:  # a compressor, then a limiter
        level = scipy.signal.sosfilt(scipy.signal.butter(1, 12 / (RATE / 2), output="sos"), np.abs(x)) + 1e-3
        x = x * (level / level.max()) ** -rng.uniform(0, 0.6)
        x = np.tanh(x / (np.percentile(np.abs(x), 99.5) + 1e-6) * rng.uniform(0.5, 2.0))
    if rng.random() < 0.2:
        cutoff = rng.choice([3400, 4000, 5500, 7000, 8000, 11000])
        x = scipy.signal.sosfilt(scipy.signal.butter(6, cutoff / (RATE / 2), output="sos"), x)
    if rng.random() < 0.35:
        noise = scipy.signal.lfilter([1], [1, -rng.uniform(0, 0.98)], rng.normal(0, 1, len(x)))
        x = x + noise / noise.std() * x.std() * 10 ** (-rng.uniform(8, 45) / 20)
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.12:
        n = int(rng.uniform(2, 12) * RATE)
        x[:n] *= np.linspace(0, 1, n) ** 2
    return x * 10 ** (-rng.choice([rng.uniform(0, 6), rng.uniform(0, 30)]) / 20)


def coded(rng, x):
    if rng.random() > 0.25:
        return x
    codec, suffix = [(["libmp3lame", "-b:a", f"{rng.choice([48, 64, 96, 128])}k"], "mp3"), (["libopus", "-b:a", f"{rng.choice([16, 24, 32, 64])}k"], "ogg")][rng.integers(2)]
    with tempfile.TemporaryDirectory() as folder:
        a, b, c = f"{folder}/a.wav", f"{folder}/b.{suffix}", f"{folder}/c.wav"
        scipy.io.wavfile.write(a, RATE, (x * 32767).astype(np.int16))
        for command in (["-i", a, "-c:a", *codec, b], ["-i", b, "-ar", str(RATE), "-ac", "1", c]):
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-threads", "1", *command], check=True)
        y = scipy.io.wavfile.read(c)[1].astype(np.float32) / 32768
    return np.pad(y, (0, max(0, len(x) - len(y))))[: len(x)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("pop909", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--kind", choices=["pop909", "made", "mma", "loop"], required=True)
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
        rng = np.random.default_rng([{"pop909": 1, "made": 2, "mma": 3, "loop": 4}[arguments.kind], number])
        try:
            source = {"pop909": lambda: pop909(rng, arguments.pop909, number), "made": lambda: made(rng), "loop": lambda: made(rng, loop=True), "mma": lambda: mma(rng, root, patterns, number)}[arguments.kind]()
        except (subprocess.SubprocessError, KeyError, ValueError, IndexError) as error:
            print(number, repr(error)[:200])
            continue
        if source is None:
            continue
        song, beats, metre, bpm, mode = source
        time = clock(rng, bpm, beats)
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
