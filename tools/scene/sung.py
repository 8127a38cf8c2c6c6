"""Singing made of speech: spoken recordings are analysed by WORLD and resynthesised with the pitch and the rhythm of a
melody, with vibrato, glides and breath. The melodies are the vocal lines of POP909 (MIT), the accompaniment its other
parts, rendered by FluidSynth.
"""

import pathlib
import struct
import subprocess

import numpy as np
import pyworld

RATE = 16_000
HOP_MS = 5.0


def midi_notes(data):
    """{track name: [(start s, end s, pitch)]} of a standard MIDI file."""
    division = struct.unpack(">H", data[12:14])[0]
    at, tracks = 14, []
    while at + 8 <= len(data) and data[at : at + 4] == b"MTrk":
        size = struct.unpack(">I", data[at + 4 : at + 8])[0]
        tracks.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    tempi, parts = [], []
    for body in tracks:
        tick, i, status, name, open_, notes = 0, 0, 0, "", {}, []
        while i < len(body):
            delta = 0
            while True:
                delta = delta << 7 | body[i] & 127
                i += 1
                if not body[i - 1] & 128:
                    break
            tick += delta
            if body[i] & 128:
                status = body[i]
                i += 1
            if status == 0xFF:
                kind, length, i = body[i], 0, i + 1
                while True:
                    length = length << 7 | body[i] & 127
                    i += 1
                    if not body[i - 1] & 128:
                        break
                if kind == 3:
                    name = body[i : i + length].decode("latin1")
                if kind == 0x51:
                    tempi.append((tick, int.from_bytes(body[i : i + 3], "big")))
                i += length
            elif status in (0xF0, 0xF7):
                length = body[i]
                i += 1 + length
            elif status & 0xF0 in (0xC0, 0xD0):
                i += 1
            else:
                key, value = body[i], body[i + 1]
                i += 2
                if status & 0xF0 == 0x90 and value:
                    open_[key] = tick
                elif status & 0xF0 in (0x80, 0x90) and key in open_:
                    notes.append((open_.pop(key), tick, key))
        parts.append((name, notes))
    tempi = sorted(tempi) or [(0, 500_000)]
    ticks = np.array([t for t, _ in tempi] + [10**9])
    seconds = np.concatenate([[0], np.cumsum(np.diff(ticks) * np.array([u for _, u in tempi]) / 1e6 / division)])
    second = lambda tick: float(np.interp(tick, ticks, seconds))
    return {name: sorted((second(a), second(b), k) for a, b, k in notes) for name, notes in parts}


class Voice:
    """A spoken recording, analysed: frames of 5 ms."""

    def __init__(self, speech):
        x = speech.astype(np.float64)
        f0, times = pyworld.dio(x, RATE, frame_period=HOP_MS)
        self.f0 = pyworld.stonemask(x, f0, times, RATE)
        self.envelope = pyworld.cheaptrick(x, self.f0, times, RATE)
        self.aperiodicity = pyworld.d4c(x, self.f0, times, RATE)
        voiced = np.concatenate([[0], self.f0 > 0, [0]]).astype(int)
        edges = np.flatnonzero(np.diff(voiced))
        self.syllables = [(a, b) for a, b in zip(edges[::2], edges[1::2]) if b - a >= 16]
        self.pitch = np.median(self.f0[self.f0 > 0]) if self.syllables else 0


def sing(rng, voice, notes, seconds, legato=0.0, young=0.0, onsets=None):
    """`seconds` of the melody `notes` (start, end, MIDI pitch) in `voice`, and no accompaniment. A share `legato` of notes that
    touch the one before is bound to it, half of these on its syllable; `young` shortens the vocal tract and raises the pitch,
    up to a child's at 1. The starts of the notes are appended to `onsets` (s): shortly before the vowel, on
    the same syllable amid the change of pitch."""
    frames = int(seconds * 1000 / HOP_MS)
    f0 = np.zeros(frames)
    source = np.zeros(frames)
    level = np.zeros(frames)
    octave = 12 * np.round((69 + 12 * np.log2(voice.pitch * rng.uniform(1, 1.6) * (1 + 0.6 * young) / 440)
                            - np.median([k for *_, k in notes])) / 12)  # fmt: skip
    vibrato, rate = rng.uniform(0, 0.5), rng.uniform(4.5, 6.5)
    index = rng.integers(len(voice.syllables))
    last_pitch, last_end = None, -1
    for start, end, key in notes:
        a, b = int(start * 1000 / HOP_MS), min(int(end * 1000 / HOP_MS), frames)
        if b - a < 8 or a >= frames:
            continue
        bound = legato > 0 and a - last_end <= 4 and last_pitch is not None and rng.random() < legato
        melisma = bound and rng.random() < 0.5
        # One syllable a note, its consonant unstretched.
        index -= melisma
        first, last = voice.syllables[index % len(voice.syllables)]
        index += 1
        lead = 0 if melisma else min(int(rng.integers(0, 14)), first)
        length = b - a
        t = np.arange(length)
        onset = min(lead + 6, length // 2)
        inside = np.interp(t, [0, onset, length], [first - lead, first + 6 * (lead > 0), max(last - 2, first + 6)])
        if melisma:
            inside = np.linspace(first + (last - first) / 2, last - 2, length)
        source[a:b] = inside
        pitch = key + octave + np.zeros(length)
        glide = 0
        if last_pitch is not None and rng.random() < 0.7:
            glide = min(length, int(rng.integers(6, 24)))
            pitch[:glide] = np.linspace(last_pitch, pitch[0], glide)
        depth = np.clip((t * HOP_MS / 1000 - 0.25) / 0.3, 0, 1) * vibrato
        pitch = pitch + depth * np.sin(2 * np.pi * rate * t * HOP_MS / 1000) + 0.08 * np.cumsum(rng.standard_normal(length)) / np.sqrt(length + 1)
        moved = last_pitch != key + octave
        last_pitch = key + octave
        f0[a:b] = 440 * 2 ** ((pitch - 69) / 12)
        unvoiced = t < lead * onset / max(lead + 6, 1)
        f0[a:b][unvoiced & (voice.f0[np.clip(inside.astype(int), 0, len(voice.f0) - 1)] == 0)] = 0
        gain = np.minimum(1, (length - t) / rng.uniform(4, 20)) * np.minimum(1, (t + 1) / 4)
        if bound:  # no dip between the notes
            gain[: length // 2] = 1
            level[last_end - 20 : a] = np.maximum(level[last_end - 20 : a], level[last_end - 21])
        level[a:b] = gain * rng.uniform(0.7, 1)
        last_end = b
        # A repeated pitch on the same syllable has no onset.
        if onsets is not None and not (melisma and not moved):
            onsets.append((a + (min(glide, 16) / 2 if melisma else 0.7 * lead)) * HOP_MS / 1000)
    at = np.clip(np.round(source).astype(int), 0, len(voice.f0) - 1)
    warp = rng.uniform(0.95, 1.08) * (1 + 0.25 * young)
    bins = voice.envelope.shape[1]
    columns = np.clip(np.round(np.arange(bins) / warp).astype(int), 0, bins - 1)
    envelope = voice.envelope[at][:, columns]
    # Speech fades where a note is held: every frame gets the same loudness.
    envelope = envelope * (1e-4 / np.maximum(envelope.mean(1, keepdims=True), 1e-12)) ** rng.uniform(0.6, 1)
    x = pyworld.synthesize(f0, np.ascontiguousarray(envelope), np.ascontiguousarray(voice.aperiodicity[at]), RATE, HOP_MS)
    count = int(seconds * RATE)
    x = np.resize(x, count) if len(x) < count else x[:count]
    x = x * np.interp(np.arange(count) / RATE * 1000 / HOP_MS, np.arange(frames), level)
    return x.astype(np.float32)


def write_midi(path, tracks, seconds=1e9, start=0.0):
    """A MIDI file of `[(program or None for drums, [(start, end, pitch)])]`, cut out of `start` to `start + seconds`."""
    events = []
    channel = 0
    for program, notes in tracks:
        own = 9 if program is None else channel
        if program is not None:
            events.append((0.0, bytes([0xC0 | own, program])))
            channel = channel + 1 if channel != 8 else 10
        for a, b, key in notes:
            a, b = a - start, min(b - start, seconds)
            if a >= 0 and a < seconds and b > a:
                events.append((a, bytes([0x90 | own, key, 92])))
                events.append((b, bytes([0x80 | own, key, 0])))
    events.sort(key=lambda e: (e[0], e[1][0] & 0xF0 == 0x90))
    body, tick = b"", 0
    for second, message in events:
        now = round(second * 960)
        delta, tick = now - tick, now
        length = bytes([delta & 127])
        while delta := delta >> 7:
            length = bytes([delta & 127 | 128]) + length
        body += length + message
    body += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    pathlib.Path(path).write_bytes(header + b"MTrk" + struct.pack(">I", len(body)) + body)


def render(midi, font, out, fluidsynth="fluidsynth"):
    """Plays a MIDI file with a sound font: mono samples at 16 kHz."""
    command = [fluidsynth, "-ni", "-q", "-F", str(out), "-O", "s16", "-r", "32000", str(font), str(midi)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = ["ffmpeg", "-v", "error", "-i", str(out), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
