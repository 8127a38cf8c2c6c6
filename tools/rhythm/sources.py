"""Sources of the songs of songs.py: POP909, chance, and patterns of MMA. Each function returns a song, its length in
beats, the beats of a bar, beats per minute, and which parts there are; or None."""

import os
import pathlib
import random
import subprocess
import tempfile

import mido
import numpy as np
from arrangement import DRUMS, KEYS, KITS, LEADS, VOICES, Song, bass, chord_pitches, comping, drums, swung, tune


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
    bars = int(bpm / metre) + 3
    chords = progression(rng, bars, metre)
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


def progression(rng, bars, metre):
    key = int(rng.integers(12))
    rate = float(rng.choice([metre, metre, metre, 2 * metre, metre / 2 if metre % 2 == 0 else metre]))
    sections = [PROGRESSIONS[rng.integers(len(PROGRESSIONS))].split() for _ in range(2)]
    chords = []
    for i in range(int(bars * metre / rate)):
        name = sections[int(i * rate / metre) // 8 % 2]
        pitches = chord_pitches(name[i % len(name)])
        chords.append((i * rate, (i + 1) * rate, [(p + key) % 12 for p in pitches]))
    return chords


def expressive(rng):
    """Without drums, played as soloists and small ensembles play: see `clock`."""
    song = Song(rng)
    metre = int(rng.choice([4, 4, 4, 3, 3, 6, 2]))
    bpm = float(np.clip(rng.normal(100, 35), 48, 190))
    bars = int(bpm / metre) + 3
    chords = progression(rng, bars, metre)
    mode = rng.choice(["keys", "guitar", "strings", "winds", "ensemble"])
    players = {"keys": [0, 0, 0, 1, 4, 6, 46, 11], "guitar": [24, 24, 25, 26, 27, 105], "strings": [40, 41, 42, 44, 45, 48, 49], "winds": [60, 68, 71, 73, 56, 57, 19, 16], "ensemble": KEYS}[mode]
    loose = rng.uniform(0.005, 0.025)
    triplet = rng.random() < 0.1
    comping(song, 4, chords, metre, 0)
    song.part(4, players, loose)
    if rng.random() < 0.4:
        comping(song, 5, chords, metre, 0, pad=rng.random() < 0.5)
        song.part(5, players, loose)
    if rng.random() < 0.5:
        bass(song, chords, metre, 0)
        song.part(1, [32, 43, 42, 0, 24] if mode != "keys" else players, loose)
    if rng.random() < 0.8:
        channel = song.part(2, players if rng.random() < 0.5 else VOICES + LEADS, loose)
        tune(song, channel, chords, metre, bars, 0, triplet)
    return song, bars * metre, metre, bpm, mode


def mma(rng, root, patterns, number):
    pattern, mode = patterns[number % len(patterns)], ["all", "all", "no-drums", "drums", "all"][number % 5]
    beats = max(pattern.times)
    tempo = (pattern.tempo or (rng.integers(85, 170) if beats == 3 else rng.integers(75, 150))) * rng.uniform(0.85, 1.18)
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
