"""Writes the trained net for the Rust side: `export.py NET.pkl crates/audio_signal/src/rhythm/net.f16`, and prints the
reference values of the test in net.rs (computed here by the rounded weights)."""

import pathlib
import pickle
import sys

import jax
import net
import numpy as np

FRAMES = 400


def weights(p):
    """In the order in which RhythmNet::read takes them; matrices are [output][input]."""
    yield from (np.asarray(p["stem"]).T, p["stem_bias"])
    for block in p["blocks"]:
        yield from (block["taps"], block["bias"], np.asarray(block["mix"]).T, block["mix_bias"])
    yield from (np.asarray(p["head"]).T, p["head_bias"])


def arbitrary(frames):
    """The inputs of the test in net.rs."""
    state, values = 1, np.zeros((frames, net.INPUTS), np.uint8)
    for index in range(values.size):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        values.flat[index] = (state >> 16) % 180
    return values


def exact(p, values):
    """The log-odds in single precision, in the crate's order of operations: the same bits."""
    f = np.float32
    x = np.pad(values.astype(f) * f(1 / 64), [(1, 1), (0, 0)])
    x = np.concatenate([x[part : part + len(values)] for part in range(net.STEM)], 1)

    def mapped(x, matrix, bias):
        y = np.repeat(np.asarray(bias)[None], len(x), 0)
        for i in range(x.shape[1]):
            y = y + matrix[i][None] * x[:, i : i + 1]
        return y

    x = np.maximum(mapped(x, p["stem"], p["stem_bias"]), f(0))
    for dilation, block in zip(net.DILATIONS, p["blocks"]):
        reach = dilation * (net.TAPS // 2)
        padded, h = np.pad(x, [(reach, reach), (0, 0)]), np.repeat(block["bias"][None], len(x), 0)
        for k in range(net.TAPS):
            h = h + block["taps"][:, k] * padded[k * dilation : k * dilation + len(x)]
        x = mapped(np.maximum(h, f(0)), block["mix"], block["mix_bias"]) + x
    return mapped(np.maximum(x, f(0)), p["head"], p["head_bias"])


def main():
    p = jax.tree.map(lambda w: np.asarray(w, np.float16), pickle.load(open(sys.argv[1], "rb")))
    out = np.concatenate([np.ravel(w) for w in weights(p)]).astype("<f2")
    pathlib.Path(sys.argv[2]).write_bytes(out.tobytes())
    print(len(out), "weights")
    p = jax.tree.map(lambda w: np.asarray(w, np.float32), p)
    logits = np.asarray(net.run(p, net.scaled(arbitrary(FRAMES))[None])[0])
    for frame in range(0, FRAMES, 57):
        print(f"        ({frame}, [{', '.join(f'{v:.4f}' for v in logits[frame, :3])}]),")
    bits = exact(p, arbitrary(FRAMES)).view(np.uint32)[40::80, :3]
    for row in bits:
        print(f"        [{', '.join(f'{v:_}' for v in row)}],")


if __name__ == "__main__":
    main()
