"""Parts of a song, drawn by chance: drums, bass, chords and a tune, as notes in beats. Used by sources.py."""

import numpy as np

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


# Tunes ---------------------------------------------------------------------------------------------------------------


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
