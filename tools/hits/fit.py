"""Fits the roles of hits and writes crates/audio_signal/src/descriptors/role_weights.rs.

    python3 tools/hits/fit.py --features target/release/examples/hit_features --kits DRUMKITS --drums shared/corpus/drums

DRUMKITS is usr/share/hydrogen/data/drumkits of Debian's package hydrogen-drumkits 2017.09.19~dfsg-1 (recorded kits; free
licences of each kit in its drumkit.xml and the package's copyright file). Roles come from the names of the instruments.
`--drums` (MDB Drums) is validation only. Needs numpy and ffmpeg. The same seed gives the same weights.

Prints F of each role with each kit left out in turn, the confusion on MDB Drums, and writes the weights fitted on all kits.
"""

import argparse
import pathlib
import re
import struct
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np

RATE = 44_100
ROLES = ["kick", "snare", "hat", "tom", "clap", "other"]
FEATURES = 32
COPIES = 60
RIDGE = 3e-4
MIN_PROBABILITY = 0.6

# The first pattern found in the name of an instrument decides; hand drums, which are between toms and others, and names
# that state no instrument are left out.
NAMES = [
    ("", r"conga|bongo|djembe|cajon|sangban|dununba|kenkeni|roll|click|drum \d|stick$|snaps|sample|^\s*\d*\s*$|swish"),
    ("other", r"bell (hit|mute)|cowbell|tambourine|agogo|maraca|clave|woodblock|waterglass|zap|fx|whistle"),
    ("clap", r"clap"),
    ("hat", r"hat|hh|hi-hat|hi hat|ride|crash|cymbal|china|splash|paiste bell"),
    ("kick", r"kick|bass ?drum"),
    ("snare", r"snare|side stick|rim click|redo super opaco"),
    ("tom", r"tom"),
]
# Classes of MDB Drums; OT has several instruments.
MDB = {"KD": "kick", "SD": "snare", "HH": "hat", "CY": "hat", "TT": "tom", "OT": "other"}


def role_of(name):
    return next((role for role, pattern in NAMES if re.search(pattern, name.lower())), "")


def decode(path, rate=RATE):
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def from_rise(samples):
    peak = np.abs(samples).max(initial=0)
    if peak < 1e-4:
        return None
    start = int(np.argmax(np.abs(samples) > 0.05 * peak))
    return samples[max(start - 40, 0) :][: RATE] / peak


def load(kits):
    """Rows of kit, instrument, role, samples."""
    rows = []
    for kit in sorted(kits.iterdir()):
        text = re.sub(r'xmlns="[^"]*"', "", (kit / "drumkit.xml").read_text(errors="replace"))
        for instrument in ElementTree.fromstring(text).iter("instrument"):
            name = instrument.findtext("name") or ""
            role = role_of(name)
            files = sorted({file.text for file in instrument.iter("filename")})
            for file in files if role else []:
                if (kit / file).exists() and (hit := from_rise(decode(kit / file))) is not None:
                    rows.append((kit.name, name, role, hit))
    return rows


def tone(rng):
    """A plucked or struck note of another instrument."""
    time = np.arange(int(RATE * 0.6)) / RATE
    pitch = 440 * 2 ** (rng.uniform(-36, 24) / 12)
    samples = np.zeros(len(time))
    attack = rng.uniform(0.001, 0.04)
    for chord in rng.choice([0, 3, 4, 7, 12], rng.integers(1, 4), replace=False):
        for partial in range(1, int(rng.integers(2, 20))):
            hertz = pitch * 2 ** (chord / 12) * partial * (1 + 0.0003 * partial * partial * rng.uniform())
            if hertz < 16_000:
                decay = np.exp(-time * rng.uniform(0.5, 6) * partial**0.5)
                samples += decay * np.sin(2 * np.pi * hertz * time + rng.uniform(0, 6)) / partial ** rng.uniform(0.5, 1.8)
    samples *= 1 - np.exp(-time / attack)
    samples += rng.uniform(0, 0.1) * rng.normal(size=len(time)) * np.exp(-time / 0.01)
    return samples / np.abs(samples).max()


def voice(rng):
    """A vowel-like sound: a glottal pulse train through two resonances, with a soft beginning."""
    time = np.arange(int(RATE * 0.5)) / RATE
    pitch = rng.uniform(80, 300) * (1 + 0.1 * rng.uniform(-1, 1) * time)
    phase = np.cumsum(pitch) / RATE
    samples = np.zeros(len(time))
    formants = [rng.uniform(250, 900), rng.uniform(900, 2_500), 3_000]
    for partial in range(1, 40):
        hertz = partial * pitch[0]
        gain = sum(1 / (1 + ((hertz - formant) / 120) ** 2) for formant in formants) / partial**0.3
        samples += gain * np.sin(2 * np.pi * partial * phase)
    samples *= np.minimum(time / rng.uniform(0.005, 0.06), 1)
    samples += rng.uniform(0, 0.3) * rng.normal(size=len(time)) * np.exp(-time / 0.03)
    return samples / np.abs(samples).max()


def stretched(samples, speed):
    return np.interp(np.arange(0, len(samples) - 1, speed), np.arange(len(samples)), samples)


def filtered(samples, rng):
    """A random slope, sometimes with a low-pass, as of microphones and codecs."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE) + 20
    gain_db = rng.uniform(-2.5, 2.5) * np.log2(hertz / 1_000) + 3 * np.sin(np.log(hertz) * rng.uniform(1, 3) + rng.uniform(0, 6))
    if rng.uniform() < 0.25:
        gain_db -= 24 * np.maximum(np.log2(hertz / rng.uniform(5_000, 16_000)), 0)
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), len(samples))


def room(samples, rng):
    length = int(RATE * rng.uniform(0.1, 0.6))
    response = rng.normal(size=length) * np.exp(-np.arange(length) / (RATE * rng.uniform(0.02, 0.15)))
    size = len(samples) + length
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[: len(samples)]
    return samples + wet / (np.abs(wet).max() + 1e-9) * np.abs(samples).max() * 10 ** (rng.uniform(-30, -6) / 20)


def varied(hit, others, rng):
    """A hit as a detector cuts it out of a mix."""
    samples = filtered(stretched(hit, 2 ** rng.uniform(-0.25, 0.25)), rng)
    if rng.uniform() < 0.5:
        samples = room(samples, rng)
    samples = samples / (np.abs(samples).max() + 1e-9)
    lead = int(RATE * rng.uniform(0, 0.008))
    length = max(int(RATE * np.exp(rng.uniform(np.log(0.08), np.log(0.6)))), lead + 2_000)
    out = np.zeros(length)
    count = min(length - lead, len(samples))
    out[lead : lead + count] = samples[:count]
    for other in others:
        # The end of an earlier sound, or a softer one at the same time.
        start = int(rng.integers(2_000, max(len(other) // 2, 2_001))) if rng.uniform() < 0.6 else 0
        part = other[start : start + length]
        if len(part):
            gain = 10 ** (rng.uniform(-36, -10) / 20)
            out[: len(part)] += gain * part / (np.abs(part).max() + 1e-3)
    return (out + 10 ** (rng.uniform(-80, -45) / 20) * rng.normal(size=length)).astype(np.float32)


def features(program, hits, rate=RATE):
    data = b"".join(struct.pack("<II", rate, len(hit)) + hit.astype("<f4").tobytes() for hit in hits)
    output = subprocess.run([program], input=data, capture_output=True, check=True).stdout
    return np.frombuffer(output, "<f4").reshape(-1, FEATURES)


def material(rows, program, seed):
    """Features, role, weight and kit of each variation."""
    rng = np.random.default_rng(seed)
    found, roles, weights, kits = [], [], [], []
    names = sorted({(kit, name) for kit, name, _, _ in rows})
    for kit, name in names:
        layers = [row for row in rows if row[:2] == (kit, name)]
        role = layers[0][2]
        hits = []
        for _ in range(COPIES):
            hit = layers[rng.integers(len(layers))][3]
            others = [rows[rng.integers(len(rows))][3] for _ in range(rng.integers(0, 3))]
            hits.append(varied(hit, others, rng))
        found.append(features(program, hits))
        roles += [ROLES.index(role)] * COPIES
        weights += [1.0] * COPIES
        kits += [kit] * COPIES
    for source, make in [("tones", tone), ("voices", voice)]:
        hits = [varied(make(rng), [rows[rng.integers(len(rows))][3]] * rng.integers(0, 2), rng) for _ in range(1_200)]
        found.append(features(program, hits))
        roles += [ROLES.index("other")] * len(hits)
        weights += [0.5] * len(hits)
        kits += [source] * len(hits)
    roles, weights = np.array(roles), np.array(weights)
    for role in range(len(ROLES)):
        weights[roles == role] /= weights[roles == role].sum()
    return np.concatenate(found), roles, weights / len(ROLES), np.array(kits)


def fit(x, roles, weights, steps=1_500):
    """Multinomial logistic regression by Adam on all data."""
    mean = np.average(x, axis=0, weights=weights)
    scale = 1 / (np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights)) + 1e-3)
    inputs = scaled(x, mean, scale)
    target = np.eye(len(ROLES))[roles]
    w = np.zeros((inputs.shape[1], len(ROLES)))
    first, second = np.zeros_like(w), np.zeros_like(w)
    for step in range(1, steps + 1):
        gradient = inputs.T @ ((softmax(inputs @ w) - target) * weights[:, None] / weights.sum())
        gradient[:-1] += RIDGE * w[:-1]
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        w -= 0.03 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return mean, scale, w


def scaled(x, mean, scale):
    return np.concatenate([np.clip((x - mean) * scale, -4, 4), np.ones((len(x), 1))], 1)


def softmax(scores):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def decide(model, x):
    """The role and its probability, as in crates/audio_signal/src/descriptors/role.rs."""
    probabilities = softmax(scaled(x, *model[:2]) @ model[2])
    best = probabilities.argmax(1)
    confidence = probabilities.max(1)
    unclear = (best != len(ROLES) - 1) & (confidence < MIN_PROBABILITY)
    return np.where(unclear, len(ROLES) - 1, best), np.where(unclear, 1 - confidence, confidence), best


def f_measures(truth, found):
    values = []
    for role in range(len(ROLES)):
        hits = ((truth == role) & (found == role)).sum()
        values.append(2 * hits / max((truth == role).sum() + (found == role).sum(), 1))
    return values


def mdb(folder, program):
    """Features and the set of roles of each stroke of the drum tracks of MDB Drums (without the full mix)."""
    found, truths = [], []
    for path in sorted(folder.glob("*.onsets")):
        if path.stem.endswith("_mix"):
            continue
        audio = decode(path.with_suffix(".flac"))
        onsets = sorted((float(time), MDB[name]) for time, name in (line.split()[:2] for line in path.read_text().splitlines()))
        groups = []
        for time, role in onsets:
            if groups and time - groups[-1][0] < 0.03:
                groups[-1][1].add(role)
            else:
                groups.append((time, {role}))
        hits = []
        for index, (time, _) in enumerate(groups):
            end = groups[index + 1][0] if index + 1 < len(groups) else time + 0.6
            start = max(time - 0.005, 0)
            hits.append(audio[int(start * RATE) : int(max(min(end - 0.005, time + 0.6), time + 0.03) * RATE)])
        found.append(features(program, hits))
        truths += [(path.stem, roles) for _, roles in groups]
    return np.concatenate(found), truths


def report_mdb(model, x, truths):
    found, confidence, _ = decide(model, x)
    table = np.zeros((len(ROLES), len(ROLES)), int)
    single = [index for index, (_, roles) in enumerate(truths) if len(roles) == 1]
    truth = np.array([ROLES.index(min(truths[index][1])) for index in single])
    for row, index in zip(truth, single):
        table[row, found[index]] += 1
    print("MDB Drums, strokes of one instrument (rows: truth):", " ".join(ROLES))
    for role, row in zip(ROLES, table):
        print(f"  {role:6}", *(f"{count:5}" for count in row))
    values = f_measures(truth, found[single])
    present = [value for role, value in enumerate(values) if (truth == role).sum() >= 5]
    print("  F:", *(f"{role} {value:.3f}" for role, value in zip(ROLES, values)), f"macro {np.mean(present):.3f}")
    right = np.array([ROLES[role] in roles for role, (_, roles) in zip(found, truths)])
    named = found != len(ROLES) - 1
    print(f"  all {len(truths)} strokes: {named.mean():.3f} get a role, which is of one of their instruments in {right[named].mean():.3f}")
    for low, high in [(0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.01)]:
        among = named & (confidence >= low) & (confidence < high)
        if among.any():
            print(f"    confidence {low:.2f} to {min(high, 1):.2f}: {among.sum()} strokes, right {right[among].mean():.3f}")


def write(model, path):
    mean, scale, w = model
    numbers = lambda values: ", ".join(f"{value:.4f}".replace("-0.0000", "0.0") for value in values)
    rows = ",\n    ".join(f"[{numbers(w[:, role])}]" for role in range(len(ROLES)))
    path.write_text(
        f"""//! Weights of the roles of hits, fitted and written by `tools/hits/fit.py`.

use super::hit::HIT_FEATURES;
use super::role::ROLES;

pub(super) const MEANS: [f32; HIT_FEATURES] = [{numbers(mean)}];
/// Inverse standard deviations.
pub(super) const SCALES: [f32; HIT_FEATURES] = [{numbers(scale)}];
/// For each role, the weights of the scaled features, and the bias.
pub(super) const WEIGHTS: [[f32; HIT_FEATURES + 1]; ROLES] = [
    {rows},
];
"""
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", required=True)
    parser.add_argument("--kits", type=pathlib.Path, required=True)
    parser.add_argument("--drums", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=pathlib.Path, default="crates/audio_signal/src/descriptors/role_weights.rs")
    arguments = parser.parse_args()
    rows = load(arguments.kits)
    for role in ROLES:
        own = [row for row in rows if row[2] == role]
        print(f"{role}: {len(own)} recordings of {len({row[:2] for row in own})} instruments")
    x, roles, weights, kits = material(rows, arguments.features, arguments.seed)
    left_out = np.zeros(len(roles), int)
    for kit in sorted(set(kits)):
        own = kits == kit
        left_out[own] = decide(fit(x[~own], roles[~own], weights[~own], 500), x[own])[0]
    values = f_measures(roles, left_out)
    print("each kit left out, F:", *(f"{role} {value:.3f}" for role, value in zip(ROLES, values)), f"macro {np.mean(values):.3f}")
    model = fit(x, roles, weights)
    values = f_measures(roles, decide(model, x)[0])
    print("all kits (seen), F:", *(f"{role} {value:.3f}" for role, value in zip(ROLES, values)), f"macro {np.mean(values):.3f}")
    if arguments.drums:
        report_mdb(model, *mdb(arguments.drums, arguments.features))
    write(model, arguments.output)


if __name__ == "__main__":
    main()
