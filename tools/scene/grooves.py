"""Drums alone, played with the recorded kits of Debian's hydrogen-drumkits: bars with variations, fills, swing, pauses.

`clips(packages, seed, count)` yields mono int16 at 16 kHz, 14 s each.
"""

import re
import subprocess

import numpy as np
from material import RATE, normalise, room

SECONDS = 14
ROLES = {"kick": r"kick|bd_|bass ?drum|stomp|bassdrum|^bd", "snare": r"snare|_sd|sd_|^sd|rim|clap|sidestick", "hat": r"hat|hh|hihat",
         "tom": r"tom|conga|bongo|djembe|drum|perc|hand|slap|tone", "cymbal": r"crash|ride|cymb|splash|bell|shaker|tamb|cow"}  # fmt: skip


def decoded(path, rate=RATE):
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-t", "3", "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=False).stdout, np.float32)


def kits(packages, rate=RATE):
    """{kit: {role: [samples at `rate`]}}."""
    found = {}
    for folder in sorted(packages.joinpath("hydrogen-drumkits").glob("usr/share/hydrogen/data/drumkits/*")):
        kit = {role: [] for role in ROLES}
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".wav", ".flac", ".ogg")):
            role = next((r for r, pattern in ROLES.items() if re.search(pattern, path.stem, re.I)), "tom")
            if len(kit[role]) < 9:
                x = decoded(path, rate)
                if len(x) > 200 and np.abs(x).max() > 1e-3:
                    kit[role].append(normalise(x, 0.5))
        found[folder.name] = {role: sounds for role, sounds in kit.items() if sounds}
    return {name: kit for name, kit in found.items() if kit}


def groove(rng, kit, rate=RATE, strokes=None, seconds=SECONDS):
    """`seconds` at `rate` of `kit`; the strokes (s) are appended to `strokes`."""
    steps = int(rng.choice([16, 16, 16, 12, 8]))
    beat = 60 / rng.uniform(60, 180)
    step = beat * 4 / 16 if steps != 12 else beat * 3 / 12
    swing = rng.choice([0, 0, rng.uniform(0, 0.33)])
    density = {"kick": rng.uniform(0.1, 0.4), "snare": rng.uniform(0.05, 0.3), "hat": rng.uniform(0.3, 0.95), "tom": rng.choice([0, 0.1, 0.5]), "cymbal": rng.choice([0, 0.05, 0.5])}
    pattern = {role: rng.random(steps) < density[role] for role in kit}
    for role, at in (("kick", [0, 8]), ("snare", [4, 12]), ("hat", range(0, 16, 2))):
        if role in pattern and rng.random() < 0.8:
            pattern[role][[a for a in at if a < steps]] = True
    voices = {role: sounds[rng.integers(len(sounds))] for role, sounds in kit.items()}
    used = [role for role in kit if role in ("kick", "snare") or rng.random() < 0.7] or list(kit)
    loud = {role: rng.uniform(0.3, 1) for role in kit}
    n = seconds * rate
    x = np.zeros(n + 4 * rate, np.float32)
    bar, time = 0, rng.uniform(0, 0.3)
    while time < seconds:
        fill = bar % 4 == 3 and rng.random() < 0.5
        for s in range(steps):
            t = time + step * (s + (swing if s % 2 else 0)) + rng.normal(0, 0.004)
            for role in used:
                hit = pattern[role][s] if not (fill and s >= steps - 4) else rng.random() < 0.5 * (role in ("snare", "tom", "kick"))
                if hit and rng.random() < 0.97 and 0 <= t < seconds:
                    sound = voices[role] if rng.random() < 0.9 else kit[role][rng.integers(len(kit[role]))]
                    i = int(t * rate)
                    if strokes is not None:
                        strokes.append(t)
                    x[i : i + len(sound)] += sound[: len(x) - i] * loud[role] * rng.uniform(0.4, 1) ** rng.choice([0.3, 1])
        time += steps * step
        bar += 1
    return x[:n]


def clips(packages, seed, count):
    all_kits = kits(packages)
    names = sorted(all_kits)
    for index in range(count):
        rng = np.random.default_rng([seed, index, 77])
        x = groove(rng, all_kits[names[rng.integers(len(names))]])
        if rng.random() < 0.4:
            x = room(rng, x)
        if rng.random() < 0.4:
            x = np.tanh(x * rng.uniform(1, 6) / max(np.abs(x).max(), 1e-6))
        yield (normalise(x, 0.6) * 32_767).astype(np.int16)
