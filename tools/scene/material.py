"""Sounds of known kind, made from nothing but arithmetic, to fit the segmentation on.

`others(seed)` and `musics(seed)` yield `(name, samples)`: mono float32 at 16 kHz, 12 s each, peak about -12 dBFS.
Names before the dash are types: the fit leaves one type out at a time to see what it does with a sound it never met.
"""

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE = 16_000
SECONDS = 12
N = RATE * SECONDS


def normalise(x, peak=0.25):
    return (x * (peak / max(np.abs(x).max(), 1e-9))).astype(np.float32)


def coloured(rng, slope_db_per_octave, n=N):
    """Noise whose power falls by `slope_db_per_octave`."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    return np.fft.irfft(spectrum * (f / 1000) ** (-slope_db_per_octave / 6.02), n)


def band(x, low, high):
    return sosfilt(butter(2, [low, min(high, 7900)], "band", fs=RATE, output="sos"), x)


def slow(rng, seconds, n=N):
    """A random curve of mean 0 and deviation 1 that changes over about `seconds`."""
    knots = rng.standard_normal(int(n / RATE / seconds) + 4)
    return np.interp(np.arange(n) / RATE / seconds, np.arange(len(knots)), knots)


def bursts(rng, times, make):
    """`make(k)` placed at each time (s)."""
    x = np.zeros(N + RATE * 2)
    for k, t in enumerate(times):
        if t < SECONDS:
            b = make(k)[: RATE * 2]
            i = int(t * RATE)
            x[i : i + len(b)] += b
    return x[:N]


def arrivals(rng, rate, jitter=None):
    """Times (s) of events: Poisson, or regular with a relative `jitter`."""
    count = int(rate * SECONDS * 1.5) + 4
    gaps = rng.exponential(1 / rate, count) if jitter is None else (1 + jitter * rng.standard_normal(count)) / rate
    return np.cumsum(np.maximum(gaps, 0.02)) + rng.uniform(0, 0.3)


def decay(rng, seconds, noise=True, f=1000.0):
    """A burst of noise, or of a sine, that dies away with time constant `seconds`; half a second long."""
    t = np.arange(RATE // 2) / RATE
    carrier = rng.standard_normal(len(t)) if noise else np.sin(2 * np.pi * f * t)
    return carrier * np.exp(-t / seconds)


def room(rng, x):
    """A short diffuse echo."""
    t = np.arange(int(0.4 * RATE)) / RATE
    tail = rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(0.03, 0.15)) * rng.uniform(0.02, 0.1)
    tail[0] = 1
    return fftconvolve(x, tail)[: len(x)]


# Neither speech nor music -------------------------------------------------------------------------------------------


def hiss(rng):
    return coloured(rng, rng.uniform(0, 6))


def rumble(rng):
    return coloured(rng, rng.uniform(6, 12)) * (1 + 0.3 * slow(rng, 0.5))


def wind(rng):
    x = band(rng.standard_normal(N), 60, rng.uniform(300, 1500))
    return x * np.exp(0.7 * slow(rng, rng.uniform(0.3, 1.5))) + 0.02 * coloured(rng, 3)


def machine(rng):
    """Motors, fans, vacuum cleaners: noise, and lines that stay while their levels drift a little."""
    t = np.arange(N) / RATE
    x = coloured(rng, rng.uniform(0, 6))
    x /= x.std()
    tilt, strength = rng.uniform(0.1, 1.5), 10 ** rng.uniform(-1, 0.6)
    for _ in range(int(rng.integers(1, 3))):
        f0 = rng.uniform(25, 250)
        wobble = np.cumsum(1 + rng.choice([0, 0.0005, 0.003]) * slow(rng, rng.uniform(0.1, 1))) / RATE
        for k in range(1, int(rng.integers(3, 60))):
            if f0 * k < 7500 and rng.random() < 0.7:
                drift = np.exp(rng.uniform(0, 0.5) * slow(rng, rng.uniform(0.05, 3)))
                level = strength * rng.uniform(0.1, 1) * k**-tilt
                x = x + level * drift * np.sin(2 * np.pi * f0 * k * wobble + rng.uniform(0, 6))
    return x * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 8) * t))


def motor(rng):
    """Vacuum cleaners, drills, compressors: strong lines that stay, up to high frequencies, over gusts of low noise."""
    t = np.arange(N) / RATE
    noise = coloured(rng, rng.uniform(0, 5))
    x = noise / noise.std()
    f0 = rng.choice([rng.uniform(20, 60), rng.uniform(60, 400)])
    tilt, strength = rng.uniform(0, 0.4), 10 ** (rng.uniform(-14, 2) / 20)
    count = int(min(rng.integers(20, 200), 7500 / f0))
    wobble = np.cumsum(1 + rng.choice([0, 0.0003, 0.002]) * slow(rng, rng.uniform(0.3, 2))) / RATE
    for k in rng.permutation(int(7500 / f0))[:count] + 1:
        x = x + strength * rng.uniform(0.3, 1) * k**-tilt * np.sin(2 * np.pi * f0 * k * wobble + rng.uniform(0, 6))
    gusts = band(rng.standard_normal(N), 30, rng.uniform(80, 400)) * np.exp(0.7 * slow(rng, rng.uniform(0.1, 1)))
    x = x + rng.choice([0, rng.uniform(0.5, 6)]) * gusts / gusts.std()
    return x * (1 + 0.15 * slow(rng, rng.uniform(0.1, 1)))


def engine(rng):
    """A harmonic series that speeds up and slows down."""
    f0 = rng.uniform(30, 120) * np.exp(0.25 * slow(rng, rng.uniform(1, 4)))
    phase = np.cumsum(f0) / RATE
    x = sum(rng.uniform(0.3, 1) / k * np.sin(2 * np.pi * k * phase + rng.uniform(0, 6)) for k in range(1, 25))
    return x + rng.uniform(0.2, 1.5) * coloured(rng, 4) / 3


def footsteps(rng):
    times = arrivals(rng, rng.uniform(1.2, 3), 0.06)
    low, high = rng.uniform(50, 300), rng.uniform(800, 6000)
    step = lambda k: band(decay(rng, rng.uniform(0.015, 0.06)), low, high) * rng.uniform(0.5, 1)
    return room(rng, bursts(rng, times, step)) + rng.uniform(0.0005, 0.01) * coloured(rng, 3)


def knocks(rng):
    times = arrivals(rng, rng.uniform(0.7, 5))
    f = rng.uniform(150, 900)
    knock = lambda k: decay(rng, rng.uniform(0.01, 0.05), False, f * rng.uniform(0.95, 1.05)) + 0.4 * decay(rng, 0.006)
    return room(rng, bursts(rng, times, knock)) + 0.002 * coloured(rng, 3)


def typing(rng):
    times = arrivals(rng, rng.uniform(5, 12))
    key = lambda k: band(decay(rng, rng.uniform(0.002, 0.01)), 800, 7000) * rng.uniform(0.3, 1)
    return room(rng, bursts(rng, times, key)) + 0.002 * coloured(rng, 3)


def clock(rng):
    times = arrivals(rng, rng.choice([1, 2, 4]), 0.003)
    f = rng.uniform(1500, 5000)
    tick = lambda k: decay(rng, 0.004, False, f * (1 + 0.1 * (k % 2))) + 0.5 * decay(rng, 0.003)
    return room(rng, bursts(rng, times, tick)) + 0.003 * coloured(rng, 3)


def rain(rng):
    drops = np.zeros(N)
    where = rng.integers(0, N, int(rng.uniform(2_000, 30_000)))
    drops[where] += rng.exponential(1, len(where)) * rng.choice([-1, 1], len(where))
    x = fftconvolve(drops, band(decay(rng, 0.002), 500, 7000))[:N]
    return x + rng.uniform(0.1, 1) * x.std() * coloured(rng, 1)


def fire(rng):
    times = arrivals(rng, rng.uniform(8, 40))
    crack = lambda k: band(decay(rng, rng.uniform(0.0005, 0.006)), 600, 7500) * rng.exponential(1)
    return bursts(rng, times, crack) + rng.uniform(0.01, 0.1) * coloured(rng, 6)


def applause(rng):
    times = arrivals(rng, rng.uniform(30, 200))
    clap = lambda k: band(decay(rng, rng.uniform(0.004, 0.012)), 700, 4000) * rng.uniform(0.2, 1)
    return room(rng, bursts(rng, times, clap))


def waves(rng):
    """Surf, passing cars: noise that swells."""
    t = np.arange(N) / RATE
    swell = np.clip(np.sin(2 * np.pi * t / rng.uniform(3, 9) + rng.uniform(0, 6)), 0, 1) ** rng.uniform(0.5, 3)
    return coloured(rng, rng.uniform(2, 7)) * (0.05 + swell * (1 + 0.2 * slow(rng, 0.1)))


def birds(rng):
    def chirp(k):
        n = int(rng.uniform(0.03, 0.25) * RATE)
        s = np.linspace(0, 1, n)
        f = base * (1 + rng.uniform(-0.3, 0.3) * s + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 8) * s))
        return np.sin(2 * np.pi * np.cumsum(f) / RATE) * np.hanning(n) * rng.uniform(0.2, 1)

    base = rng.uniform(2000, 5000)
    return bursts(rng, arrivals(rng, rng.uniform(1, 6)), chirp) + rng.uniform(0.005, 0.05) * coloured(rng, 3)


def barks(rng):
    def bark(k):
        n = int(rng.uniform(0.08, 0.3) * RATE)
        s = np.linspace(0, 1, n)
        phase = np.cumsum(pitch * (1 + 0.5 * np.sin(np.pi * s)) * rng.uniform(0.9, 1.1)) / RATE
        voice = sum(np.sin(2 * np.pi * h * phase) / h**0.7 for h in range(1, 12))
        return (voice + rng.standard_normal(n)) * np.hanning(n)

    pitch = rng.uniform(250, 700)
    return room(rng, bursts(rng, arrivals(rng, rng.uniform(0.6, 2.5)), bark)) + 0.005 * coloured(rng, 4)


def siren(rng):
    t = np.arange(N) / RATE
    f = rng.uniform(500, 1100) * np.exp(0.4 * np.sin(2 * np.pi * t * rng.uniform(0.15, 3)))
    x = sum(np.sin(2 * np.pi * h * np.cumsum(f) / RATE) / h for h in (1, 2, 3))
    return x + rng.uniform(0.1, 0.7) * coloured(rng, 4)


def hum(rng):
    """Mains hum under hiss."""
    t = np.arange(N) / RATE
    f = rng.choice([50, 60])
    x = sum(rng.uniform(0.1, 1) * np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6)) for h in range(1, 9))
    return x + rng.uniform(0.1, 1) * coloured(rng, rng.uniform(0, 5))


def crumple(rng):
    """Paper, cloth, handling: noise in irregular gusts."""
    gate = np.exp(1.5 * slow(rng, rng.uniform(0.02, 0.15)))
    return band(rng.standard_normal(N), rng.uniform(100, 800), rng.uniform(3000, 7500)) * gate


def bubbles(rng):
    def bubble(k):
        n = int(rng.uniform(0.01, 0.06) * RATE)
        s = np.arange(n) / RATE
        f = rng.uniform(300, 1500)
        return np.sin(2 * np.pi * f * (s + 4 * s * s)) * np.exp(-s / 0.012)

    return bursts(rng, arrivals(rng, rng.uniform(8, 60)), bubble) + 0.02 * coloured(rng, 3)


def train(rng):
    """Rumble with clatter at regular distances."""
    clatter = lambda k: band(decay(rng, rng.uniform(0.02, 0.05)), 100, 3000) * rng.uniform(0.5, 1)
    return 0.6 * rumble(rng) / 2 + bursts(rng, arrivals(rng, rng.uniform(1, 4), 0.1), clatter)


OTHERS = [hiss, rumble, wind, machine, motor, engine, footsteps, knocks, typing, clock, rain, fire, applause, waves, birds,
          barks, siren, hum, crumple, bubbles, train]  # fmt: skip

# Music ----------------------------------------------------------------------------------------------------------------

SCALES = [[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10], [0, 3, 5, 7, 10], [0, 2, 4, 7, 9]]


def tone(rng, midi, seconds, voice):
    f = 440 * 2 ** ((midi - 69) / 12)
    t = np.arange(int(seconds * RATE)) / RATE
    vibrato = 1 + voice["vibrato"] * np.sin(2 * np.pi * 5.5 * t)
    phase = np.cumsum(f * vibrato) / RATE
    x = np.zeros(len(t))
    for h, a in enumerate(voice["partials"], 1):
        if f * h < 7500:
            x += a * np.sin(2 * np.pi * h * phase * (1 + voice["stretch"] * h * h)) * np.exp(-t * voice["damp"] * h)
    attack = np.minimum(1, t / voice["attack"])
    release = np.minimum(1, (t[-1] - t) / 0.03)
    return x * attack * release


def timbre(rng):
    count = int(rng.integers(3, 20))
    return {
        "partials": rng.uniform(0.2, 1, count) / np.arange(1, count + 1) ** rng.uniform(0.5, 2),
        "damp": rng.choice([0, 0.1, 0.6, 2.0]),
        "attack": rng.choice([0.003, 0.02, 0.08]),
        "vibrato": rng.choice([0, 0, 0.004, 0.01]),
        "stretch": rng.choice([0, 0, 1e-4]),
    }


def melody(rng):
    scale, root, voice = SCALES[rng.integers(4)], int(rng.integers(45, 70)), timbre(rng)
    x, t, degree = np.zeros(N + 4 * RATE), 0.0, 0
    beat = 60 / rng.uniform(60, 170)
    while t < SECONDS:
        length = beat * rng.choice([0.25, 0.5, 0.5, 1, 1, 2])
        degree = int(np.clip(degree + rng.integers(-3, 4), -7, 14))
        note = tone(rng, root + 12 * (degree // len(scale)) + scale[degree % len(scale)], length, voice)
        i = int(t * RATE)
        x[i : i + len(note)] += note * rng.uniform(0.6, 1)
        t += length
    return room(rng, x[:N])


def chords(rng):
    voice, root = timbre(rng), int(rng.integers(40, 56))
    beat = 60 / rng.uniform(50, 150)
    x, t = np.zeros(N + 8 * RATE), 0.0
    while t < SECONDS:
        length = beat * rng.choice([1, 2, 2, 4])
        base = root + rng.choice([0, 5, 7, 9, 2, -3])
        for step in [0, rng.choice([3, 4]), 7, 12][: rng.integers(3, 5)]:
            note = tone(rng, base + step, length, voice)
            i = int(t * RATE)
            x[i : i + len(note)] += note
        t += length
    return room(rng, x[:N])


def drums(rng):
    """A machine playing one bar over and over, with fills."""
    beat = 60 / rng.uniform(75, 170) / 4
    kick = np.sin(2 * np.pi * np.cumsum(50 + 120 * np.exp(-np.arange(4000) / 300)) / RATE) * np.exp(-np.arange(4000) / 1500)
    snare = lambda: band(decay(rng, 0.05), 200, 6000) + 0.4 * decay(rng, 0.05, False, 190)
    hat = lambda: 0.3 * band(decay(rng, rng.choice([0.015, 0.1])), 4000, 7800)
    pattern = rng.random((3, 16)) < np.array([[0.25], [0.15], [0.6]])
    pattern[0, [0, 8]] = pattern[1, [4, 12]] = True
    x = np.zeros(N + 2 * RATE)
    for step in range(int(SECONDS / beat)):
        i = int(step * beat * RATE)
        for row, sound in enumerate([lambda: kick, snare, hat]):
            if pattern[row, step % 16] and rng.random() > 0.03:
                s = sound()[: 2 * RATE]
                x[i : i + len(s)] += s * rng.uniform(0.7, 1)
    return room(rng, x[:N])


def band_music(rng):
    mix = normalise(chords(rng)) + rng.uniform(0.3, 1) * normalise(melody(rng))
    return mix + rng.uniform(0.2, 1.2) * normalise(drums(rng)) if rng.random() < 0.7 else mix


MUSICS = [melody, chords, drums, band_music]


def varied(rng, x):
    """The same sound as another microphone, codec or room would give it."""
    x = normalise(x)
    if rng.random() < 0.3:
        x = band(x, rng.uniform(40, 250), rng.uniform(3000, 7800))
    x = x + 10 ** rng.uniform(-4.5, -2.7) * coloured(rng, rng.uniform(0, 6), len(x))
    return normalise(x, 10 ** rng.uniform(-1.6, -0.1))


def others(seed, each=8):
    for make in OTHERS:
        for k in range(each):
            rng = np.random.default_rng([seed, k, sum(map(ord, make.__name__))])
            yield f"{make.__name__}-{k}", varied(rng, make(rng))


def musics(seed, each=12):
    for make in MUSICS:
        for k in range(each):
            rng = np.random.default_rng([seed, k, sum(map(ord, make.__name__))])
            yield f"{make.__name__}-{k}", varied(rng, make(rng))
