"""Recordings with known words for `make words`: the corpus' own, damaged, packed and repeated by rule.

Everything follows from fixed seeds. Voices of espeak-ng and digits of the Free Spoken Digit Dataset fill what the few
recordings with a transcript leave open."""

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audio import RATE, decode, read, spoken

DIGITS = "zero one two three four five six seven eight nine".split()
SENTENCES = {
    "en-us": "The ship left the harbour early in the morning, and nobody saw it again.",
    "en-gb": "Please bring the red chair into the kitchen before the guests arrive.",
    "de": "Guten Morgen, heute scheint die Sonne und wir gehen in den Garten.",
    "fr": "Bonjour, nous allons au marché pour acheter du pain et du fromage.",
    "es": "Buenos días, mañana vamos a la playa con toda la familia.",
    "it": "Buongiorno, domani andiamo al mare con tutta la famiglia.",
}
# Classes of the environmental clips with a voice, human or nearly so.
VOICED = "crying_baby laughing sneezing coughing breathing snoring".split()


@dataclass
class Clip:
    """A recording with what is said in it, or `None` where the words are not known."""

    name: str
    samples: np.ndarray
    text: str | None
    # Word, start and end in seconds.
    times: list = field(default_factory=list)


def silence(seconds):
    return np.zeros(int(seconds * RATE), np.float32)


def rms(samples):
    return float(np.sqrt(np.mean(samples**2)) + 1e-9)


def reverberant(samples):
    """Decaying noise of 0.6 s reverberation time behind the direct sound, as loud as it."""
    rng = np.random.default_rng(3)
    time = np.arange(int(0.6 * RATE)) / RATE
    tail = rng.normal(size=time.size) * 10 ** (-3 * time / 0.6)
    tail *= 1 / np.sqrt(np.sum(tail**2))
    wet = np.convolve(samples, np.concatenate([[1.0], silence(0.002), tail]))
    return (wet * np.max(np.abs(samples)) / np.max(np.abs(wet))).astype(np.float32)


def noisy(samples, ratio_db):
    rng = np.random.default_rng(4)
    noise = rng.normal(size=samples.size).astype(np.float32)
    return samples + noise * rms(samples) / 10 ** (ratio_db / 20)


def telephone(samples):
    spectrum = np.fft.rfft(samples)
    frequency = np.fft.rfftfreq(samples.size, 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    narrow = np.fft.irfft(spectrum, samples.size)
    narrow /= max(1e-9, np.max(np.abs(narrow)))
    companded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    return (np.sign(companded) * (256 ** np.abs(companded) - 1) / 255 * 0.7).astype(np.float32)


def hurried(samples, factor=1.35):
    command = ["ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(RATE), "-i", "-", "-af", f"atempo={factor}", "-f", "f32le", "-"]
    output = subprocess.run(command, input=samples.astype("<f4").tobytes(), check=True, capture_output=True).stdout
    return np.frombuffer(output, np.float32).copy()


def whispered(samples, order=18, size=400, step=200):
    """The spectral envelope of each frame (linear prediction), excited by noise instead of the voice."""
    rng = np.random.default_rng(5)
    window = np.hanning(size)
    out = np.zeros(samples.size + size)
    for start in range(0, samples.size - size, step):
        frame = samples[start : start + size] * window
        correlation = np.correlate(frame, frame, "full")[size - 1 : size + order]
        if correlation[0] < 1e-7:
            continue
        lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
        matrix = correlation[lags] + 1e-4 * correlation[0] * np.eye(order)
        filter_ = np.concatenate([[1.0], -np.linalg.solve(matrix, correlation[1:])])
        noise = rng.normal(size=size)
        shaped = np.fft.irfft(np.fft.rfft(noise, 1024) / (np.fft.rfft(filter_, 1024)), 1024)[:size] * window
        out[start : start + size] += shaped * rms(frame) / rms(shaped)
    return (out[: samples.size] * 0.8).astype(np.float32)


VARIANTS = {
    "clean": lambda samples: samples,
    "reverberant, 0 dB": reverberant,
    "whispered": whispered,
    "white noise, 10 dB": lambda samples: noisy(samples, 10),
    "white noise, 5 dB": lambda samples: noisy(samples, 5),
    "white noise, 0 dB": lambda samples: noisy(samples, 0),
    "-34 dB": lambda samples: samples * 10 ** (-34 / 20),
    "-54 dB": lambda samples: samples * 10 ** (-54 / 20),
    "telephone": telephone,
    "1.35 times as fast": hurried,
}


def readings(corpus):
    """The recordings with a transcript; five of them with word times."""
    texts = json.loads((corpus / "asr/transcripts.json").read_text())
    times = json.loads((corpus / "asr/words.json").read_text())
    place = lambda name: [(w["word"], w["start_s"], w["end_s"]) for w in times.get(name, [])]
    return [Clip(name, read(str(corpus / "asr" / name)), text, place(name)) for name, text in sorted(texts.items())]


def digits(corpus, count, seed=6):
    """Single digits of the Free Spoken Digit Dataset."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(corpus / "fsdd/train.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".wav"))
        for name in rng.choice(names, count, replace=False):
            samples = read(io.BytesIO(archive.read(str(name))))
            yield Clip(str(name), samples, DIGITS[int(Path(str(name)).name[0])])


def mixed(corpus, seconds, seed):
    """Clips of all kinds in turn, at unlike levels, with pauses of 0.3 to 40 s; and the clips alone."""
    rng = np.random.default_rng(seed)
    real = readings(corpus)
    sentence = [Clip(v, spoken(v, SENTENCES[v]), SENTENCES[v]) for v in ("en-us", "en-gb")]
    numbers = list(digits(corpus, 200, seed))
    parts, clips, length = [silence(0.5)], [], 0.5
    while length < seconds:
        kind = rng.random()
        if kind < 0.6:
            clip = real[rng.integers(len(real))]
        elif kind < 0.75:
            clip = sentence[rng.integers(len(sentence))]
        else:
            few = [numbers[rng.integers(len(numbers))] for _ in range(5)]
            joined = np.concatenate([part for clip in few for part in (clip.samples, silence(0.35))])
            clip = Clip("digits", joined, " ".join(clip.text for clip in few))
        level = 10 ** (rng.uniform(-15, 0) / 20)
        clip = Clip(clip.name, clip.samples * level / max(0.05, np.max(np.abs(clip.samples))) * 0.8, clip.text)
        pause = float(rng.choice([0.3, 0.6, 1, 2, 4, 10, 40], p=[0.25, 0.25, 0.2, 0.15, 0.1, 0.04, 0.01]))
        parts += [clip.samples, silence(pause)]
        clips.append(clip)
        length += clip.samples.size / RATE + pause
    rng = np.random.default_rng(seed + 1)
    samples = np.concatenate(parts)
    samples += rng.normal(size=samples.size).astype(np.float32) * 10 ** (-70 / 20)
    return Clip(f"{seconds // 60} min", samples, " ".join(clip.text for clip in clips)), clips


def repeated(corpus):
    sentence = next(clip for clip in readings(corpus) if "0930" in clip.name)
    once = np.concatenate([sentence.samples, silence(0.6)])
    return Clip("one sentence eight times", np.tile(once, 8), " ".join([sentence.text] * 8))


def languages():
    """Five languages, one after the other: the texts by their code."""
    parts, texts = [], []
    for voice in ("en-gb", "de", "fr", "es", "it"):
        parts += [spoken(voice, SENTENCES[voice], 150), silence(2.5)]
        texts.append((voice[:2], SENTENCES[voice]))
    return np.concatenate(parts), texts


def without_speech(corpus):
    """Environmental clips without a voice, and generated noise, tones and clicks: 300 in all."""
    for path in sorted((corpus / "sounds").iterdir()):
        if path.suffix in {".wav", ".ogg", ".flac"} and not any(voiced in path.name for voiced in VOICED):
            yield path.stem, decode(path)
    rng = np.random.default_rng(7)
    time = np.arange(6 * RATE) / RATE
    for number in range(212):
        kind = number % 4
        level = 10 ** (rng.uniform(-50, -3) / 20)
        white = rng.normal(size=time.size)
        if kind == 0:
            samples = white
        elif kind == 1:
            samples = np.cumsum(white - white.mean())
        elif kind == 2:
            tones = [np.sin(2 * np.pi * rng.uniform(60, 4000) * time) for _ in range(rng.integers(1, 5))]
            samples = np.sum(tones, axis=0) * (1 + np.sin(2 * np.pi * rng.uniform(0.2, 6) * time))
        else:
            samples = np.where(time % rng.uniform(0.1, 1) < 0.005, white, 0)
        yield f"made {number}", (samples / np.max(np.abs(samples)) * level).astype(np.float32)


def normal(text):
    """Words as they are compared: lower case, digits and abbreviations spelt out."""
    text = text.lower().replace("mr.", "mister").replace("-", " ")
    words = re.sub(r"[^\w' ]", " ", text).split()
    spelt = [" ".join(DIGITS[int(c)] for c in word) if word.isdecimal() and len(word) < 8 else word for word in words]
    return [word.strip("'") for word in " ".join({"mr": "mister"}.get(word, word) for word in spelt).split()]


def aligned(reference, found):
    """Pairs of indices of equal words in the alignment of least edits, and the number of edits."""
    rows, columns = len(reference) + 1, len(found) + 1
    cost = np.zeros((rows, columns), np.int32)
    cost[:, 0], cost[0, :] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            change = cost[i - 1, j - 1] + (reference[i - 1] != found[j - 1])
            cost[i, j] = min(change, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs, i, j = [], rows - 1, columns - 1
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + (reference[i - 1] != found[j - 1]):
            if reference[i - 1] == found[j - 1]:
                pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1], int(cost[-1, -1])
