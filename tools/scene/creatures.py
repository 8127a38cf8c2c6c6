"""Tonal sounds that are not music, made from nothing but arithmetic: calls, cries, bells, horns, alarms, squeaks.

`sounds(seed)` yields `(name, samples)`: mono float32 at 16 kHz, 8 s each, as in material.py. Their partials glide or stay,
and they repeat at no beat; music's partials stay and change by steps.
"""

import numpy as np
from material import RATE, band, coloured, normalise, room, slow, varied

SECONDS = 8
N = RATE * SECONDS


def glide(rng, points, seconds):
    """A curve through `points` (relative to their own times) of `seconds`, smoothed."""
    n = max(int(seconds * RATE), 64)
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(points)), points)


def voiced(rng, f0, richness, formants, breath):
    """A harmonic call with pitch curve `f0` (Hz), shaped by moving `formants` and mixed with `breath`."""
    phase = 2 * np.pi * np.cumsum(f0 * (1 + 0.01 * slow(rng, 0.03, len(f0)))) / RATE
    x = np.zeros(len(f0))
    for k in range(1, int(min(40, 7800 / max(f0.min(), 50))) + 1):
        gain = k ** -rng.uniform(richness, richness + 0.2)
        hertz = k * f0
        shape = sum(np.exp(-((hertz - f) / w) ** 2) for f, w in formants) + 0.1
        x += np.where(hertz < 7800, gain * shape, 0) * np.sin(k * phase + rng.uniform(0, 6.28))
    x = x / max(np.abs(x).max(), 1e-9) + breath * rng.standard_normal(len(x)) * 0.3
    edge = np.minimum(1, np.minimum(np.arange(len(x)), np.arange(len(x))[::-1]) / (RATE * rng.uniform(0.01, 0.12)))
    return x * edge


def placed(rng, make, gap, n=N):
    """Calls one after another, with pauses of `gap` (shortest, longest) seconds."""
    x = np.zeros(n + 6 * RATE)
    at = rng.uniform(0, 1.0)
    while at * RATE < n:
        one = make()[: 6 * RATE]
        i = int(at * RATE)
        x[i : i + len(one)] += one * rng.uniform(0.5, 1)
        at += len(one) / RATE + rng.uniform(*gap)
    return x[:n]


def formants(rng):
    return [(rng.uniform(300, 1200), rng.uniform(200, 600)), (rng.uniform(1000, 3500), rng.uniform(300, 900))]


def mew(rng):
    top, low = rng.uniform(500, 1100), rng.uniform(300, 600)
    shape = formants(rng)
    call = lambda: voiced(rng, glide(rng, [low, top * rng.uniform(0.9, 1.1), top, low * rng.uniform(0.7, 1.2)], rng.uniform(0.4, 1.4)), 0.3, shape, 0.1)
    return placed(rng, call, (0.3, 2.5))


def low_call(rng):
    """Cows, sheep, seals, donkeys."""
    f = rng.uniform(90, 350)
    wobble, rate = rng.choice([0, 0.02, 0.08]), rng.uniform(4, 12)
    shape = formants(rng)

    def call():
        curve = glide(rng, f * rng.uniform(0.7, 1.4, 5), rng.uniform(0.5, 2.5))
        curve = curve * (1 + wobble * np.sin(2 * np.pi * rate * np.arange(len(curve)) / RATE))
        return voiced(rng, curve, 0.1, shape, rng.uniform(0, 0.5))

    return placed(rng, call, (0.2, 2.5))


def crow(rng):
    f, shape = rng.uniform(300, 1500), formants(rng)
    count, length = int(rng.integers(1, 6)), rng.uniform(0.12, 0.5)

    def call():
        parts = [voiced(rng, glide(rng, f * rng.uniform(0.8, 1.25, 4), length), 0.0, shape, rng.uniform(0.2, 1)) for _ in range(count)]
        return np.concatenate([np.r_[p, np.zeros(int(RATE * rng.uniform(0.03, 0.25)))] for p in parts])

    return placed(rng, call, (0.3, 2))


def cry(rng):
    f, shape = rng.uniform(300, 600), formants(rng)
    call = lambda: voiced(rng, glide(rng, f * np.r_[0.8, rng.uniform(1, 1.3, 3), 0.7], rng.uniform(0.5, 1.6)), 0.2, shape, 0.15)
    return placed(rng, call, (0.15, 0.8))


def chatter(rng):
    """Laughing, gobbling, hens: fast short calls."""
    f, shape, rate = rng.uniform(180, 900), formants(rng), rng.uniform(0.06, 0.25)

    def call():
        count = int(rng.integers(3, 14))
        curve = f * np.linspace(1.2, rng.uniform(0.6, 1.1), count) * rng.uniform(0.9, 1.1, count)
        one = lambda p: voiced(rng, glide(rng, [p, p * 1.1, p * 0.8], rate * rng.uniform(0.5, 1)), 0.2, shape, 0.4)
        return np.concatenate([np.r_[one(p), np.zeros(int(RATE * rate * rng.uniform(0.2, 0.7)))] for p in curve])

    return placed(rng, call, (0.3, 2))


def tweet(rng):
    low, high = np.sort(rng.uniform(1500, 7000, 2))
    count = int(rng.integers(1, 9))
    pattern = rng.uniform(low, high, (count, 3))
    length = rng.uniform(0.04, 0.35)

    def call():
        parts = [voiced(rng, glide(rng, p * rng.uniform(0.97, 1.03), length), 2.0, [(4000, 4000)], 0.05) for p in pattern]
        return np.concatenate([np.r_[p, np.zeros(int(RATE * rng.uniform(0.01, 0.12)))] for p in parts])

    return placed(rng, call, (0.3, 2))


def insects(rng):
    """Crickets, cicadas, frogs: pulses of a carrier."""
    f, rate, duty = rng.uniform(400, 6500), rng.uniform(8, 70), rng.uniform(0.2, 0.8)
    t = np.arange(N) / RATE
    pulse = ((t * rate) % 1 < duty) * np.clip(np.sin(2 * np.pi * t * rng.uniform(0.3, 3) + rng.uniform(0, 6)) * 5 + rng.choice([-1, 5]), 0, 1)
    return np.sin(2 * np.pi * f * t + 3 * slow(rng, 0.01)[:N] if rng.random() < 0.4 else 2 * np.pi * f * t) * pulse


def struck(rng, f, seconds, inharmonic):
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    ratios = np.array([0.5, 1, 1.19, 1.5, 2, 2.5, 2.67, 3.01, 4.17, 5.4]) if inharmonic else np.arange(1, 9) * (1 + 0.001 * np.arange(8))
    x = sum(rng.uniform(0.2, 1) * np.sin(2 * np.pi * f * r * t) * np.exp(-t * r * rng.uniform(0.4, 1.5) * 2 / seconds) for r in ratios if f * r < 7800)
    return x * np.minimum(1, np.arange(n) / 40)


def bell(rng):
    """Church and hand bells: the same bell over and over, or two or three of them swinging independently."""
    x = np.zeros(N + 8 * RATE)
    for _ in range(int(rng.choice([1, 1, 2, 3, 4]))):
        f, period, length = rng.uniform(150, 2200), rng.uniform(0.25, 3), rng.uniform(0.5, 5)
        at = rng.uniform(0, period)
        while at < SECONDS:
            one = struck(rng, f, length, True)[: 8 * RATE]
            x[int(at * RATE) : int(at * RATE) + len(one)] += one * rng.uniform(0.5, 1)
            at += period * rng.uniform(0.9, 1.1)
    return room(rng, x[:N])


def ring(rng):
    """Telephones, alarm clocks, beepers, reversing lorries."""
    f = rng.uniform(400, 3500)
    other = f * rng.choice([1, 1.02, 1.1, 1.25, 1.33, 1.5])
    t = np.arange(N) / RATE
    switch = (t * rng.uniform(6, 30)) % 1 < 0.5 if rng.random() < 0.5 else np.ones(N, bool)
    period, duty = rng.uniform(0.1, 3), rng.uniform(0.3, 0.8)
    on = (t + rng.uniform(0, 3)) % period < duty * period
    x = np.where(switch, np.sin(2 * np.pi * f * t), np.sin(2 * np.pi * other * t))
    return np.clip(x * rng.uniform(1, 6), -1, 1) * on


def wail(rng):
    """Sirens of other sorts: wail, yelp, two tones, air raid, with Doppler and traffic."""
    t = np.arange(N) / RATE
    low, high = rng.uniform(250, 700), rng.uniform(700, 1800)
    rate = rng.choice([0.1, 0.25, 0.5, 2, 4, 6]) * rng.uniform(0.8, 1.2)
    wave = {0: 0.5 + 0.5 * np.sin(2 * np.pi * rate * t), 1: (rate * t) % 1, 2: ((rate * t) % 1 < 0.5) * 1.0}[int(rng.integers(3))]
    f = (low + (high - low) * wave) * (1 + 0.03 * slow(rng, 2)[:N])
    x = voiced(rng, f, rng.uniform(0, 1.5), [(1500, 2500)], 0.05)
    return x * (0.3 + np.abs(slow(rng, 3)[:N])) + rng.uniform(0, 0.3) * coloured(rng, 4)[:N]


def horn(rng):
    """Car and train horns: one to four steady tones at once."""
    tones = rng.uniform(200, 700, int(rng.integers(1, 5)))

    def one():
        n = int(RATE * rng.uniform(0.15, 2.5))
        x = sum(voiced(rng, np.full(n, f), 0.4, [(1200, 2500)], 0.02) for f in tones)
        return x

    return room(rng, placed(rng, one, (0.1, 2.5)))


def squeak(rng):
    """Doors, hinges, brakes, saws: stick and slip at a gliding rate."""
    low, high = np.sort(rng.uniform(20, 1200, 2))
    resonance = [(rng.uniform(300, 5000), rng.uniform(60, 500)) for _ in range(3)]

    def one():
        curve = glide(rng, rng.uniform(low, high, int(rng.integers(2, 7))), rng.uniform(0.2, 2.5))
        curve = curve * (1 + 0.05 * slow(rng, 0.02, len(curve)))
        return voiced(rng, curve, 0.0, resonance, rng.uniform(0, 0.6))

    return room(rng, placed(rng, one, (0.05, 2.5)))


def saw(rng):
    """Power tools, propellers, hair dryers: many close partials that follow a load."""
    f = rng.uniform(40, 400)
    curve = f * (1 + rng.choice([0.002, 0.02, 0.15]) * slow(rng, rng.uniform(0.2, 3))[:N])
    return voiced(rng, curve, rng.uniform(0, 0.8), [(rng.uniform(300, 4000), 2500)], rng.uniform(0.1, 1.5))


def snore(rng):
    period = rng.uniform(1.5, 4)

    def one():
        n = int(RATE * period * rng.uniform(0.3, 0.6))
        pulses = voiced(rng, np.full(n, rng.uniform(25, 70)) * (1 + 0.1 * slow(rng, 0.1, n)), 0.0, formants(rng), 1.0)
        return pulses * np.hanning(n)

    return placed(rng, one, (0.4 * period, 0.6 * period))


def clang(rng):
    """Cans, glasses, cutlery, coins, chains: struck metal and glass at no beat."""
    x = np.zeros(N + 3 * RATE)
    rate = rng.uniform(0.5, 8)
    at = rng.uniform(0, 1)
    while at < SECONDS:
        one = struck(rng, rng.uniform(300, 4000), rng.uniform(0.05, 0.9), True)
        noise = rng.standard_normal(len(one)) * np.exp(-np.arange(len(one)) / RATE * 60)
        x[int(at * RATE) : int(at * RATE) + len(one)] += (one + noise)[: 3 * RATE] * rng.uniform(0.2, 1)
        at += rng.exponential(1 / rate)
    return room(rng, x[:N])


def drops(rng):
    """Drips, pours and bubbles that ring."""
    def one():
        n = int(RATE * rng.uniform(0.02, 0.12))
        f = rng.uniform(500, 3000) * np.linspace(1, rng.uniform(1.1, 2), n)
        return np.sin(2 * np.pi * np.cumsum(f) / RATE) * np.hanning(n)

    return room(rng, placed(rng, one, (0.02, rng.uniform(0.1, 1.5))))


def whistle(rng):
    """Kettles, wind in wires, steam, howling."""
    f = rng.uniform(300, 3500) * (1 + 0.1 * slow(rng, rng.uniform(0.3, 3))[:N])
    x = np.sin(2 * np.pi * np.cumsum(f) / RATE) * np.clip(0.5 + slow(rng, 1.5)[:N], 0, 2)
    return x + rng.uniform(0.05, 1) * band(coloured(rng, 2)[:N], 300, 7000)


def ticking(rng):
    """Clocks, metronomes, indicators, dripping taps: the same one or two clicks at a steady rate, for ever."""
    period = rng.uniform(0.12, 1.1)
    clicks = []
    for _ in range(int(rng.choice([1, 2, 2]))):
        n = int(RATE * rng.uniform(0.01, 0.12))
        body = struck(rng, rng.uniform(400, 5000), n / RATE, True) if rng.random() < 0.6 else 0
        clicks.append(body + rng.uniform(0.1, 1) * rng.standard_normal(n) * np.exp(-np.arange(n) / (RATE * rng.uniform(0.001, 0.02))))
    x = np.zeros(N + RATE)
    jitter = rng.choice([0, 0.003, 0.03])
    for k in range(int(SECONDS / period)):
        one, i = clicks[k % len(clicks)], int(RATE * max(0, period * (k + jitter * rng.standard_normal())))
        x[i : i + len(one)] += one * rng.uniform(0.85, 1)
    return room(rng, x[:N])


def rotor(rng):
    """Helicopters, washing machines, trains, pumps: noise and hum in regular strokes."""
    t = np.arange(N) / RATE
    rate = rng.uniform(0.7, 25) * (1 + 0.03 * slow(rng, 2)[:N])
    phase = np.cumsum(rate) / RATE
    stroke = np.maximum(0, np.cos(2 * np.pi * phase)) ** rng.uniform(1, 8) + rng.uniform(0, 0.5)
    low = rng.uniform(40, 500)
    x = band(coloured(rng, rng.uniform(0, 8))[:N], low, low * rng.uniform(3, 30)) * stroke
    hum = sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * k * rng.uniform(25, 120) * t + rng.uniform(0, 6)) for k in range(1, 12))
    return normalise(x) + rng.uniform(0, 0.05) * hum * (stroke if rng.random() < 0.5 else 1)


def appliance(rng):
    """Vacuum cleaners, fans, mixers, transformers: steady lines, close together, in broad noise, for as long as they run."""
    t = np.arange(N) / RATE
    drift = 2 * np.pi * (t + rng.choice([0, 1e-4, 1e-3]) * np.cumsum(slow(rng, 2)[:N]) / RATE)
    x = np.zeros(N)
    for _ in range(int(rng.integers(1, 4))):
        f = rng.uniform(40, 700)
        fall = rng.uniform(0, 1.5)
        for k in range(1, int(min(60, 7800 / f)) + 1):
            if rng.random() < 0.8:
                x += k**-fall * rng.uniform(0.1, 1) * np.sin(k * f * drift + rng.uniform(0, 6.3)) / 10
    noise = band(coloured(rng, rng.uniform(0, 6))[:N], rng.uniform(50, 300), rng.uniform(2000, 7800))
    x = normalise(x) + 10 ** rng.uniform(-2.5, 0.2) * normalise(noise)
    x = x * (1 + rng.choice([0, 0.05, 0.2]) * slow(rng, rng.uniform(0.3, 3))[:N])
    if rng.random() < 0.4:
        x = x * np.clip(np.minimum(t - rng.uniform(0, 1), rng.uniform(4, 9) - t) / rng.uniform(0.05, 0.6), 0, 1)
    return x


SOUNDS = [appliance, appliance, ticking, ticking, rotor, mew, low_call, crow, cry, chatter, tweet, insects, bell, ring, wail, horn, squeak, saw, snore, clang, drops, whistle]


def sounds(seed, each=14):
    for make in SOUNDS:
        for k in range(each):
            rng = np.random.default_rng([seed, k, sum(map(ord, make.__name__)), 5])
            x = make(rng)
            x = x + rng.choice([0, 0, 0.02, 0.1]) * np.abs(x).max() * coloured(rng, rng.uniform(0, 5))[: len(x)]
            yield f"{make.__name__}-{k}", varied(rng, normalise(x))
