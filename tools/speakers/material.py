"""Voices and dialogues with known turns for `make speakers`, made by fixed seeds from the corpus and espeak-ng.

A voice is a pool of utterances, each trimmed to its speech. A dialogue puts utterances of two to five voices one behind
another with pauses and overlaps; its truth is where each utterance has speech."""
import io
import sys
import wave
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audio import RATE, decode, spoken

# Words a minute of espeak-ng.
SPEED = 165
# Pauses inside a turn up to this are part of it, as in the reference of AMI.
PAUSE = 0.3

# The halves share no speaker. `tuned` was looked at while constants were chosen, `held` only when they were fixed.
REAL_VOICES = {
    "tuned": {"librispeech-198": "classes/speech_libri_198.ogg", "jfk": "asr/jfk.wav"},
    "held": {"librispeech-3436": "classes/speech_libri_3436.ogg", "austen": "asr/sense_and_sensibility_*.wav"},
}
DIGIT_VOICES = {"tuned": ["george", "jackson"], "held": ["lucas", "nicolas", "yweweler"]}
# Voice, pitch. Most variants of espeak-ng are one voice to a listener and to the network (`en-us+m3` and `en-gb+f2`: similarity
# 0.89); these differ (at most 0.46 within a half).
ESPEAK_VOICES = {
    "tuned": [("en-us+m3", 50), ("fr+f4", 60), ("es+Mario", 50), ("fi+klatt2", 65)],
    "held": [("de+m7", 30), ("el+Annie", 80), ("en-us+f5", 75), ("pt+Hugo", 40)],
}
SENTENCES = [
    "The ship left the harbour early in the morning, and the crew was glad of the wind.",
    "Please bring the red chair into the kitchen before the guests arrive.",
    "I am not sure about that, we should look at the numbers again.",
    "Yes, of course.",
    "In the north there are long winters and very short summers.",
    "He opened the window because the room was far too warm for him.",
    "What do you think of the second proposal?",
    "Nothing in the report explains why the bridge was closed for three weeks.",
    "Seven boats, twelve horses and a small brown dog.",
    "That would be a good place to start from, I suppose.",
]


@dataclass
class Dialogue:
    name: str
    samples: np.ndarray
    # (start, end, speaker) in seconds.
    turns: list
    speakers: int
    names: list


def doubled(samples):
    """Twice the rate, by zeros above the spectrum: what the digits' 8 kHz need, without a process per digit."""
    return np.fft.irfft(np.fft.rfft(samples), 2 * len(samples)).astype(np.float32) * 2


def speech_intervals(samples, pause=PAUSE, below=35, above_floor=6):
    """Where clean speech is less than `below` dB under its own loud frames and `above_floor` dB over its background, by
    10 ms; pauses up to `pause` are closed."""
    step = RATE // 100
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    active = level > max(np.percentile(level, 95) - below, np.percentile(level, 5) + above_floor)
    intervals = []
    for i in np.flatnonzero(active):
        start, end = i / 100, (i + 1) / 100
        if intervals and start - intervals[-1][1] <= pause:
            intervals[-1][1] = end
        else:
            intervals.append([start, end])
    return [(a, b) for a, b in intervals if b - a >= 0.05]


def utterances(samples, longest=8.0):
    """Pieces between pauses of 0.12 s, joined up to `longest` seconds."""
    pieces, begin = [], None
    for start, end in speech_intervals(samples, 0.12, 25, -100):
        if begin is None or end - begin > longest:
            if begin is not None:
                pieces.append((begin, last))
            begin = start
        last = end
    pieces.append((begin, last))
    return [samples[int(a * RATE) : int(b * RATE)] for a, b in pieces if b - a >= 0.5]


def levelled(samples):
    return samples * (0.05 / (np.sqrt((samples**2).mean()) + 1e-9))


def digit(data):
    with wave.open(io.BytesIO(data)) as file:
        return doubled(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768)


def digit_pool(archive, speaker, rng):
    """Rows of four to twelve digits with pauses of 80 to 250 ms."""
    names = sorted(n for n in archive.namelist() if n.split("_")[1:2] == [speaker] and n.endswith(".wav"))
    names = [names[i] for i in rng.permutation(len(names))]
    pool = []
    while len(pool) < 14:
        row = []
        for _ in range(int(rng.integers(4, 13))):
            row += [digit(archive.read(names.pop())), np.zeros(int(rng.uniform(0.08, 0.25) * RATE), np.float32)]
        pool.append(np.concatenate(row[:-1]))
    return pool


def voices(corpus, half):
    """Name to pool of utterances."""
    rng = np.random.default_rng(11)
    corpus, pools = Path(corpus), {}
    for name, pattern in REAL_VOICES[half].items():
        files = sorted(corpus.glob(pattern))
        pools[name] = [piece for file in files for piece in utterances(decode(file))]
    with zipfile.ZipFile(corpus / "fsdd/train.zip") as archive:
        for speaker in DIGIT_VOICES[half]:
            pools[speaker] = digit_pool(archive, speaker, rng)
    for voice, pitch in ESPEAK_VOICES[half]:
        pools[voice] = [piece for text in SENTENCES for piece in utterances(spoken(voice, text, SPEED, pitch))]
    return {name: [levelled(piece) for piece in pool] for name, pool in pools.items()}


def dialogue(name, pools, speakers, seconds, rng):
    """Turns of one or two utterances; between them pauses of 0.1 to 1 s or, one time in eight, an overlap of up to 0.8 s."""
    names = [sorted(pools)[i] for i in rng.permutation(len(pools))[:speakers]]
    gain = {n: 10 ** (rng.uniform(-4, 4) / 20) for n in names}
    mix, truth, at, previous = np.zeros(int((seconds + 20) * RATE), np.float32), [], 0.5, None
    order = list(names)
    while at < seconds:
        # Each speaks once before the order becomes random.
        speaker = order.pop(0) if order else [n for n in names if n != previous][int(rng.integers(len(names) - 1))]
        pool = pools[speaker]
        piece = np.concatenate([pool[int(i)] for i in rng.permutation(len(pool))[: int(rng.integers(1, 3))]]) * gain[speaker]
        start = int(at * RATE)
        mix[start : start + len(piece)] += piece
        truth += [(at + a, at + b, names.index(speaker)) for a, b in speech_intervals(piece)]
        overlap = rng.random() < 0.125
        at += len(piece) / RATE + (-min(rng.uniform(0.2, 0.8), len(piece) / RATE / 2) if overlap else rng.uniform(0.1, 1.0))
        previous = speaker
    mix = mix[: int((at + 0.5) * RATE)]
    # Room tone 40 dB below the speech.
    mix += rng.standard_normal(len(mix)).astype(np.float32) * 0.0005
    return Dialogue(name, mix, truth, speakers, names)


def dialogues(corpus, half, each=5, seconds=75):
    pools, rng = voices(corpus, half), np.random.default_rng({"tuned": 21, "held": 22}[half])
    return [
        dialogue(f"{half}-{speakers}-{i}", pools, speakers, seconds, rng) for speakers in range(2, 6) for i in range(each)]


def excerpt(pool, seconds, rng):
    """About `seconds` of a voice: utterances of its pool in random order, the last one cut."""
    pieces, length = [], 0
    for i in rng.permutation(len(pool)):
        pieces.append(pool[int(i)])
        length += len(pieces[-1])
        if length >= seconds * RATE:
            break
    return np.concatenate(pieces)[: int(seconds * RATE)]


def short_recording(name, pools, names, seconds, rng):
    """Voices one after another, `seconds` of each, with pauses of 0.1 to 0.6 s."""
    parts, truth, at = [np.zeros(int(0.3 * RATE), np.float32)], [], 0.3
    for number, voice in enumerate(names):
        piece = excerpt(pools[voice], seconds, rng)
        pause = np.zeros(int(rng.uniform(0.1, 0.6) * RATE), np.float32)
        truth += [(at + a, at + b, number) for a, b in speech_intervals(piece)]
        parts += [piece, pause]
        at += (len(piece) + len(pause)) / RATE
    mix = np.concatenate(parts)
    mix += rng.standard_normal(len(mix)).astype(np.float32) * 0.0005
    return Dialogue(name, mix, truth, len(names), names)


def short_recordings(corpus, half, each=3):
    """Recordings of 4 to 12 s: each voice alone, and each pair of voices for 3 to 6 s each."""
    pools, rng = voices(corpus, half), np.random.default_rng({"tuned": 31, "held": 32}[half])
    names = sorted(pools)
    alone = [
        short_recording(f"{half}-alone-{name}-{i}", pools, [name], rng.uniform(4, 12), rng) for name in names for i in range(each)]
    pairs = [(a, b) for a in names for b in names if a != b]
    together = [
        short_recording(f"{half}-pair-{a}-{b}", pools, [a, b], rng.uniform(3, 6), rng) for a, b in pairs]
    return alone, together


def meetings(corpus):
    found = []
    for path in sorted(Path(corpus).glob("vad/*.rttm")):
        rows = [line.split() for line in path.read_text().splitlines() if line.startswith("SPEAKER")]
        names = sorted({row[7] for row in rows})
        turns = [(float(row[3]), float(row[3]) + float(row[4]), names.index(row[7])) for row in rows]
        found.append(Dialogue(path.stem, decode(path.with_suffix(".flac")), turns, len(names), names))
    return found
