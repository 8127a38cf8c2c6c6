"""Windows of audio whose words are known: utterances with gaps between them, a room, a channel and noise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import fft

from mel import SAMPLE_RATE
from pool import KINDS


SHORTEST_S = 1.2


@dataclass
class Window:
    """Mono float32 at 16 kHz; `words` are (digit, start, end) in seconds, in order."""

    samples: np.ndarray
    words: list[tuple[int, float, float]]


class Mixer:
    """Draws windows from a pool. The same (seed, index) gives the same window."""

    def __init__(self, pool: Path, seed: int, kinds: dict[str, float], plain: bool = False) -> None:
        """`kinds`: how often a voice of each kind is drawn; `plain`: no channel, room or noise (for tests)."""
        data = np.load(pool)
        self.audio, self.ends, self.seed, self.plain = data["audio"], data["ends"], seed, plain
        self.words: list[list] = [[] for _ in self.ends]
        for utterance, *word in data["words"].tolist():
            self.words[utterance].append(tuple(word))
        self.by_voice: dict[str, list[np.ndarray]] = {}
        for kind in KINDS:
            mine = np.flatnonzero(data["kinds"] == KINDS.index(kind))
            voices = data["voices"][mine]
            self.by_voice[kind] = [mine[voices == voice] for voice in np.unique(voices)]
        self.kinds = {k: w for k, w in kinds.items() if self.by_voice[k]}

    def window(self, index: int, seconds: float, max_words: int) -> Window:
        """A window of at most `seconds`; one in eight holds no speech, one in twelve speech without digits."""
        rng = np.random.default_rng([self.seed, index])
        length = int(SAMPLE_RATE * (seconds if rng.random() < 0.4 else rng.uniform(SHORTEST_S, seconds)))
        lot = 1.0 if self.plain else rng.random()
        if lot < 1 / 8:
            return Window(non_speech(rng, length), [])
        with_digits = lot > 1 / 8 + 1 / 12
        samples, words = self._speech(rng, length, max_words, with_digits)
        if not self.plain:
            samples = channel(rng, samples)
            samples = samples + background(rng, len(samples), samples)
            samples = samples * (10 ** rng.uniform(-1.5, 0) / max(float(np.abs(samples).max()), 1e-6))
        return Window(samples.astype(np.float32), words)

    def _speech(self, rng, length: int, max_words: int, with_digits: bool) -> tuple[np.ndarray, list]:
        samples, words = np.zeros(length, np.float32), []
        at = int(lead_s(rng) * SAMPLE_RATE)
        budget = int(rng.integers(1, max_words + 1))
        pace = rng.choice([0.05, 0.2, 0.5])
        voice = self._voice(rng) if with_digits else self.by_voice["other"][0]
        while len(words) < budget:
            filler = with_digits and not self.plain and rng.random() < 0.03
            clip, spoken = self._utterance(rng, self.by_voice["other"][0] if filler else voice)
            if at + len(clip) >= length:
                break
            samples[at : at + len(clip)] += clip
            words += [(d, (at + a) / SAMPLE_RATE, (at + b) / SAMPLE_RATE) for d, a, b in spoken]
            at += len(clip) + int(rng.exponential(pace) * SAMPLE_RATE) + SAMPLE_RATE // 100
            budget -= 0 if spoken else 1
            if rng.random() < 0.1 and with_digits:
                voice = self._voice(rng)
        tail = min(at + int(rng.uniform(0.0, 1.0) * SAMPLE_RATE), length)
        return samples[: max(tail, SAMPLE_RATE // 4)], words

    def _voice(self, rng) -> np.ndarray:
        names, weights = list(self.kinds), np.array(list(self.kinds.values()))
        voices = self.by_voice[names[rng.choice(len(names), p=weights / weights.sum())]]
        return voices[rng.integers(len(voices))]

    def _utterance(self, rng, voice: np.ndarray) -> tuple[np.ndarray, list]:
        pick = int(rng.choice(voice))
        clip = self.audio[self.ends[pick - 1] if pick else 0 : self.ends[pick]].astype(np.float32) / 32768.0
        words = self.words[pick]
        if not self.plain:
            speed = float(np.exp(rng.uniform(np.log(0.8), np.log(1.22))))
            clip = np.interp(np.arange(0, len(clip) - 1, speed), np.arange(len(clip)), clip).astype(np.float32)
            words = [(d, int(a / speed), int(b / speed)) for d, a, b in words]
            clip *= 10 ** (rng.uniform(-8, 0) / 20)
        edge = min(48, len(clip) // 4)
        clip[:edge] *= np.linspace(0, 1, edge)
        clip[-edge:] *= np.linspace(1, 0, edge)
        return clip, words


def lead_s(rng) -> float:
    """Mostly what a packed window begins with, now and then a late start."""
    return float(rng.uniform(0.0, 0.4) if rng.random() < 0.8 else rng.uniform(0.4, 1.5))


def channel(rng, samples: np.ndarray) -> np.ndarray:
    """A random equaliser, sometimes a telephone's band, sometimes a small room; times stay where they were."""
    size = fft.next_fast_len(len(samples) + SAMPLE_RATE // 2, real=True)
    spectrum = fft.rfft(samples, size)
    hz = fft.rfftfreq(size, 1 / SAMPLE_RATE).astype(np.float32)
    knots = np.array([0, 150, 400, 1000, 2000, 4000, 8000])
    spectrum *= 10 ** (np.interp(hz, knots, rng.normal(0, 4, len(knots))) / 20)
    if rng.random() < 0.3:
        low, high = rng.uniform(50, 350), rng.uniform(3200, 5000)
        spectrum *= 1 / np.sqrt((1 + (low / np.maximum(hz, 1)) ** 8) * (1 + (hz / high) ** 16))
    if rng.random() < 0.3:
        t = np.arange(SAMPLE_RATE // 3) / SAMPLE_RATE
        room = rng.normal(0, 1, len(t)) * np.exp(-6.9 * t / rng.uniform(0.08, 0.5)) * rng.uniform(0.02, 0.12)
        room[: SAMPLE_RATE // 500] = 0
        room[0] = 1
        spectrum *= fft.rfft(room.astype(np.float32), size)
    return fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def coloured_noise(rng, length: int) -> np.ndarray:
    """Noise of unit RMS whose power falls by a random 0..2 powers of frequency (white, pink, brown)."""
    size = fft.next_fast_len(length, real=True)
    spectrum = fft.rfft(rng.standard_normal(size, np.float32))
    spectrum /= np.maximum(np.arange(len(spectrum), dtype=np.float32), 20.0) ** np.float32(rng.uniform(0.0, 1.0))
    noise = fft.irfft(spectrum, size)[:length]
    return noise / max(float(np.sqrt((noise**2).mean())), 1e-9)


def background(rng, length: int, speech: np.ndarray) -> np.ndarray:
    """Noise or music 5..45 dB below the speech's loudest parts; nothing at all for one window in five."""
    lot = rng.random()
    if lot < 0.2:
        return np.zeros(length, np.float32)
    noise = music(rng, length) if lot < 0.3 else coloured_noise(rng, length)
    noise /= max(float(np.sqrt((noise**2).mean())), 1e-6)
    level = max(float(np.percentile(np.abs(speech), 98)), 1e-3) / 2
    return (noise * level * 10 ** (-rng.uniform(5, 45) / 20)).astype(np.float32)


def music(rng, length: int) -> np.ndarray:
    """Chords, arpeggios and drum hits of random timbre."""
    out = np.zeros(length, np.float32)
    beat = int(SAMPLE_RATE * rng.uniform(0.12, 0.8))
    root, drums = rng.uniform(50, 330), rng.random() < 0.5
    decay, partials = rng.uniform(0.05, 2.0), int(rng.integers(1, 9))
    vibrato = rng.uniform(0, 0.004)
    for start in range(0, length, beat):
        t = np.arange(min(beat * int(rng.integers(1, 3)), length - start), dtype=np.float32) / SAMPLE_RATE
        for step in rng.choice([0, 3, 4, 5, 7, 9, 12, 16, 19], int(rng.integers(1, 5))):
            f0 = root * 2 ** (step / 12)
            phase = np.float32(2 * np.pi * f0) * (t + np.float32(vibrato / 5) * np.sin(np.float32(31.4) * t))
            for k in range(1, partials + 1):
                if f0 * k < 7500:
                    out[start : start + len(t)] += np.sin(k * phase) * np.exp(-t / decay) / k ** rng.uniform(0.7, 2)
        if drums and rng.random() < 0.7:
            hit = rng.normal(0, 1, len(t)) * np.exp(-t / rng.uniform(0.01, 0.15))
            out[start : start + len(t)] += 2 * hit if rng.random() < 0.5 else 3 * np.sin(400 * np.exp(-t * 9)) * np.exp(-t * 9)
    return out


def non_speech(rng, length: int) -> np.ndarray:
    """Digital silence, steady or pulsing noise, tones, clicks or music."""
    lot = rng.random()
    t = np.arange(length) / SAMPLE_RATE
    if lot < 0.12:
        return np.zeros(length, np.float32)
    if lot < 0.40:
        out = coloured_noise(rng, length)
        if rng.random() < 0.5:
            out = out * (0.05 + np.maximum(0, np.sin(2 * np.pi * rng.uniform(0.3, 6) * t + rng.uniform(0, 6))) ** rng.uniform(0.5, 6))
    elif lot < 0.52:
        out = np.sin(2 * np.pi * (rng.uniform(40, 3000) * t + rng.uniform(-300, 300) * t**2)) + 0.1 * coloured_noise(rng, length)
    elif lot < 0.60:
        out = np.zeros(length)
        out[rng.integers(0, length, int(rng.integers(1, 40)))] = rng.uniform(-1, 1)
        out += 1e-4 * coloured_noise(rng, length)
    else:
        out = music(rng, length) + rng.uniform(0, 0.1) * coloured_noise(rng, length)
    out = channel(rng, out.astype(np.float32))
    return (out * (10 ** rng.uniform(-3, 0) / max(float(np.abs(out).max()), 1e-6))).astype(np.float32)
