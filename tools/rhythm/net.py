"""The rhythm net (crates/audio_signal/src/rhythm/net.rs) in JAX: activations of beats, downbeats and onsets, 50 a second."""

import jax
import jax.numpy as jnp
import numpy as np
from features import INPUTS

CHANNELS, TAPS, STEM = 64, 5, 3
DILATIONS = [1, 2, 4, 8, 16, 32, 64, 128]
OUTPUTS = 4  # beat, downbeat, onset and one to fill the vector


def initial(seed):
    rng = np.random.default_rng(seed)
    normal = lambda *shape, scale: jnp.array(rng.normal(0, scale, shape), jnp.float32)
    blocks = []
    for _ in DILATIONS:
        taps = rng.normal(0, 0.25, (CHANNELS, TAPS))
        taps[:, TAPS // 2] += 0.5
        blocks.append({"taps": jnp.array(taps, jnp.float32), "bias": jnp.zeros(CHANNELS), "mix": normal(CHANNELS, CHANNELS, scale=0.8 / np.sqrt(CHANNELS)), "mix_bias": jnp.zeros(CHANNELS)})
    return {
        "stem": normal(STEM * INPUTS, CHANNELS, scale=1 / np.sqrt(STEM * INPUTS)),
        "stem_bias": jnp.zeros(CHANNELS),
        "blocks": blocks,
        "head": normal(CHANNELS, OUTPUTS, scale=0.3 / np.sqrt(CHANNELS)),
        "head_bias": jnp.array([-3.0, -4.0, -2.5, -3.0]),
    }


def shifted(x, offset):
    """x[:, t + offset], zeros beyond the ends."""
    if offset == 0:
        return x
    n = x.shape[1]
    if abs(offset) >= n:
        return jnp.zeros_like(x)
    if offset > 0:
        return jnp.pad(x[:, offset:], ((0, 0), (0, offset), (0, 0)))
    return jnp.pad(x[:, :offset], ((0, 0), (-offset, 0), (0, 0)))


def run(p, x):
    """Log-odds (batch × frames × outputs) of inputs (batch × frames × INPUTS) in decades."""
    stacked = jnp.concatenate([shifted(x, o - STEM // 2) for o in range(STEM)], -1)
    h = jax.nn.relu(stacked @ p["stem"] + p["stem_bias"])
    for dilation, block in zip(DILATIONS, p["blocks"]):
        y = block["bias"] + sum(shifted(h, (tap - TAPS // 2) * dilation) * block["taps"][:, tap] for tap in range(TAPS))
        h = h + jax.nn.relu(y) @ block["mix"] + block["mix_bias"]
    return jax.nn.relu(h) @ p["head"] + p["head_bias"]


def scaled(features):
    """Inputs of the net from the stored bytes."""
    return np.asarray(features, np.float32) * np.float32(1 / 64)
