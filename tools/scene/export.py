"""Writes the trained scene net into the crate: 16-bit floats, normalisations folded into the maps.

    python3 tools/scene/export.py net.pt crates/audio_signal/src/scene/net.f16

Prints REFERENCE and BITS of the tests of crates/audio_signal/src/scene/net.rs: activities of arbitrary textures, in
double precision and in the crate's own arithmetic.
"""

import sys

import net
import numpy as np
import torch


def arbitrary(frames):
    """Raw textures of arbitrary values, the same ones as in the crate's tests."""
    state, rows = 1, []

    def random(below):
        nonlocal state
        state = (state * 1_664_525 + 1_013_904_223) % (1 << 32)
        return (state >> 16) % below

    for _ in range(frames):
        row = [-random(60)] + [random(240) for _ in range(net.BANDS)] + [random(80) / 8, random(160) / 8]
        row += [random(255) - 127 for _ in range(16)] + [random(120) for _ in range(4)] + [random(65) / 64]
        rows.append(row)
    return np.array(rows, np.float32)


def single(values, raw):
    """Activities by single-precision arithmetic in the crate's order of operations: the same bits."""
    f, at = np.float32, 0
    values, steps = values.astype(f), net.stacked(net.inputs(raw)).astype(f)

    def take(*shape):
        nonlocal at
        at += int(np.prod(shape))
        return values[at - int(np.prod(shape)) : at].reshape(shape)

    def mapped(x, outputs):
        matrix, bias = take(outputs, x.shape[1]), take(outputs)
        y = np.repeat(bias[None], len(x), 0)
        for i in range(x.shape[1]):
            y = y + matrix[:, i][None] * x[:, i : i + 1]
        return y

    x = np.maximum(mapped(steps, net.CHANNELS), f(0))
    for dilation in net.DILATIONS:
        taps, bias = take(net.CHANNELS, net.TAPS), take(net.CHANNELS)
        reach = dilation * (net.TAPS // 2)
        padded = np.pad(x, [(reach, reach), (0, 0)])
        h = np.repeat(bias[None], len(x), 0)
        for k in range(net.TAPS):
            h = h + padded[k * dilation : k * dilation + len(x)] * taps[:, k]
        x = x + mapped(np.maximum(h, f(0)), net.CHANNELS)
    y = -mapped(np.maximum(x, f(0)), net.OUTPUTS).reshape(-1, 4)[: len(raw)]
    # Cephes' expf, as in the crate's math.rs.
    y = np.clip(y, f(-87), f(87))
    shifted = y * f(np.log2(np.e)) + f(12_582_912)
    whole = shifted - f(12_582_912)
    exponent = ((shifted.view(np.uint32) - f(12_582_912).view(np.uint32) + np.uint32(127)) << np.uint32(23)).view(f)
    r = y - whole * f(0.6933594) - whole * f(-2.1219444e-4)
    p = np.full_like(r, f(1.9875691e-4))
    for c in (1.3981999e-3, 8.333452e-3, 4.1665796e-2, 1.6666665e-1, 0.5):
        p = p * r + f(c)
    return f(1) / (f(1) + (p * r * r + r + f(1)) * exponent)


def main():
    model = net.SceneNet()
    model.load_state_dict(torch.load(sys.argv[1], map_location="cpu"))
    model.eval()
    values = model.folded().astype("<f2")
    assert np.isfinite(values.astype(float)).all()
    values.tofile(sys.argv[2])
    raw = arbitrary(400)
    found = net.run_folded(values.astype(np.float64), raw)
    with torch.no_grad():
        trained = torch.sigmoid(model(torch.from_numpy(net.stacked(net.inputs(raw)[None])))).numpy()[0]
    print(f"// {len(values)} weights, {values.nbytes} bytes; rounding changes an activity by {np.abs(found - trained).max():.4f} at most")
    for frame in range(0, 400, 57):
        print(f"        ({frame}, [{', '.join(f'{a:.5f}' for a in found[frame])}]),")
    print("    const BITS: &[[u32; ACTIVITIES]] = &[")
    for row in single(values, raw)[40::80].view(np.uint32):
        print(f"        [{', '.join(f'{value:_}' for value in row)}],")
    print("    ];")


if __name__ == "__main__":
    main()
