"""Trains the rhythm net: `train.py SONGS NEGATIVES OUT.pkl --steps 50000 [--start FROM.pkl]`.

SONGS is a folder of songs.py's files, NEGATIVES one of corpus_features.py's (speech, noise: no beats). Songs named in
`held_out` are not trained on. Needs jax, optax, numpy.
"""

import argparse
import pathlib
import pickle
import time
import zipfile

import jax
import jax.numpy as jnp
import net
import numpy as np
import optax

FRAMES, BATCH = 1_000, 3
# Magnitudes of stored levels.
MAGNITUDES = ((10 ** (np.arange(256) / 64) - 1) / 400).astype(np.float32)


def held_out(name):
    """A tenth of the songs is for validation."""
    kind, number = name.rsplit("_", 1)
    return kind in ("pop909", "made", "mma", "loop", "expressive", "sung", "groove") and int(number) % 10 == 9


def load(folder):
    items = {}
    for path in sorted(path for folder in [pathlib.Path(folder), *pathlib.Path(folder).iterdir()] if folder.is_dir() for path in folder.glob("*.npz")):
        try:
            with np.load(path) as data:
                items[path.stem] = {key: data[key] for key in data.files}
        except (zipfile.BadZipFile, EOFError, ValueError):
            continue  # being written
    return items


def crop(rng, item, frames, speed):
    """Magnitudes and onset function, interpolated, and the events in their frames."""
    x = item["features"]
    need = int(frames * speed) + 2
    first = int(rng.integers(0, max(1, len(x) - need)))
    x = x[first : first + need]
    if len(x) < need:
        x = np.pad(x, ((0, need - len(x)), (0, 0)))
    m, rise = MAGNITUDES[x[:, :-1]], x[:, -1].astype(np.float32) / 64
    if speed != 1:
        at = np.arange(frames) * speed
        whole = at.astype(int)
        part = (at - whole).astype(np.float32)
        mixed = lambda v: v[whole] + (v[whole + 1] - v[whole]) * part.reshape(-1, *[1] * (v.ndim - 1))
        m, rise = mixed(m), mixed(rise)
    place = lambda times: (np.asarray(times) * float(item["frames_per_second"]) - 0.375 - first) / speed
    return m[:frames], rise[:frames], place


def equaliser(rng, most):
    knots = rng.normal(0, most, 6)
    return 10 ** (np.interp(np.linspace(0, 5, x_bands), np.arange(6), knots) / 20).astype(np.float32)


x_bands = net.INPUTS - 1


def altered(rng, m, rise, noise):
    """Another level and equaliser, other sounds over it; the onset function follows."""
    levels = lambda m: np.log10(1 + 400 * m)
    rises = lambda l: np.maximum(l[1:] - l[:-1], 0).mean(1) + 0.01
    before = rises(levels(m))
    m = m * np.float32(10 ** (rng.choice([rng.uniform(-6, 6), rng.uniform(-26, 10)]) / 20)) * equaliser(rng, 4)
    if noise is not None:
        n = noise * equaliser(rng, 3)
        ratio = 10 ** (rng.uniform(-20, 4) / 20)
        m = np.sqrt(m**2 + (n * np.float32(np.sqrt((m**2).mean()) / (np.sqrt((n**2).mean()) + 1e-9) * ratio)) ** 2)
    if rng.random() < 0.15:
        m[:, rng.integers(16, 36) :] *= 0.001
    if rng.random() < 0.1:
        m[:, : rng.integers(2, 8)] *= 0.02
    after = np.minimum(levels(m), 3.98)
    rise = rise.copy()
    rise[1:] *= np.clip(rises(after) / before, 0, 2)
    return np.concatenate([after, np.minimum(rise, 3.98)[:, None]], 1)


def bumps(places, frames):
    target = np.zeros(frames, np.float32)
    for place in places:
        for frame in range(max(0, int(place) - 2), min(frames, int(place) + 4)):
            target[frame] = max(target[frame], np.exp(-0.5 * ((frame - place) / 0.75) ** 2))
    return target


def sample(rng, songs, negatives):
    """Features, targets (beat, downbeat, onset) and their weights."""
    is_negative = rng.random() < 0.12
    pool = negatives if is_negative else songs
    item = pool[rng.integers(len(pool))]
    speed = float(np.exp(rng.uniform(-0.2, 0.2))) if rng.random() < 0.7 else 1.0
    m, rise, place = crop(rng, item, FRAMES, speed)
    noise = crop(rng, negatives[rng.integers(len(negatives))], FRAMES, 1.0)[0] if rng.random() < 0.35 and not is_negative else None
    x = altered(rng, m, rise, noise)
    targets, weights = np.zeros((3, FRAMES), np.float32), np.ones((3, 1), np.float32)
    if is_negative:
        weights[2] = 0
    else:
        beats = place(item["beats"])
        targets[0] = bumps(beats, FRAMES)
        targets[1] = bumps(beats[item["positions"] == 1], FRAMES)
        onsets = item["onsets"]
        if len(onsets) == 0:
            weights[2] = 0
        targets[2] = bumps(place(onsets[onsets[:, 1] > 30, 0]) if onsets.ndim == 2 else [], FRAMES)
        if item.get("beatless", False):
            weights[:2] = 0
        if noise is not None:
            weights[2] = 0.3
    return x, targets.T, np.broadcast_to(weights, (3, FRAMES)).T


def loss(p, x, targets, weights):
    logits = net.run(p, x)[..., :3]
    entropy = optax.sigmoid_binary_cross_entropy(logits, targets)
    scale = jnp.array([1.0, 1.0, 0.5]) * (1 + jnp.array([3.0, 4.0, 1.0]) * targets)
    return (entropy * weights * scale).mean()


def learning_rate(part):
    """Of the part of the steps done."""
    return min(1, part / 0.04 + 0.05) * (1 if part < 0.4 else 0.5 + 0.5 * np.cos(np.pi * min(1, (part - 0.4) / 0.6)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs")
    parser.add_argument("negatives")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=50_000, help="about 1 000 a minute on one core")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--start")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", default="-", help="a kind of song that is left out, to see what the others teach")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    p = pickle.load(open(arguments.start, "rb")) if arguments.start else net.initial(arguments.seed)
    p = jax.tree.map(jnp.asarray, p)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.99), optax.add_decayed_weights(1e-3))
    state, mean = optimiser.init(p), p

    @jax.jit
    def step(p, state, mean, x, targets, weights, keep, rate):
        value, gradient = jax.value_and_grad(loss)(p, x, targets, weights)
        updates, state = optimiser.update(gradient, state, p)
        p = jax.tree.map(lambda q, u: q - rate * u, p, updates)
        return p, state, jax.tree.map(lambda m, q: keep * m + (1 - keep) * q, mean, p), value

    recent, begun = [], time.time()
    for index in range(arguments.steps):
        if index % 400 == 0:  # songs that have been made meanwhile
            named = {name: item for name, item in load(arguments.songs).items() if not name.startswith(arguments.without)}
            songs = [item for name, item in named.items() if not held_out(name)]
            songs += [item for name, item in named.items() if name.startswith("fof")] * 3
            negatives = [item for item in load(arguments.negatives).values() if len(item["features"]) > 40]
            print(len(songs), "songs", len(negatives), "negatives", flush=True)
        x, targets, weights = map(np.stack, zip(*(sample(rng, songs, negatives) for _ in range(BATCH))))
        keep = min(0.995, index / (index + 10))
        p, state, mean, value = step(p, state, mean, x.astype(np.float32), targets, weights, keep, arguments.rate * learning_rate(index / arguments.steps))
        recent.append(float(value))
        if index % 50 == 49:
            print(index + 1, f"{np.mean(recent):.4f} {time.time() - begun:.0f} s, cpu {time.process_time():.0f} s", flush=True)
            recent = []
        if index % 100 == 99:
            pickle.dump(jax.tree.map(np.asarray, mean), open(arguments.out, "wb"))
    pickle.dump(jax.tree.map(np.asarray, mean), open(arguments.out, "wb"))


if __name__ == "__main__":
    main()
