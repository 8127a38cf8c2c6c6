"""The inputs of the rhythm net, as crates/audio_signal/src/rhythm/{spectrum,onsets,inputs}.rs compute them (but for the
last bits of its arithmetic): a byte for each band and the onset function, each 20 ms."""

import numpy as np

EDGES = [22, 65, 108, 151, 194, 237, 280, 323, 366, 412, 465, 524, 590, 665, 750, 845, 952, 1073, 1210, 1363, 1536, 1731, 1951, 2199, 2478, 2793, 3148, 3549, 4000, 4757, 5657, 6727, 8000, 9514, 11314, 13454, 16000]  # fmt: skip
BANDS = 36
INPUTS = BANDS + 1


def bank(rate, size):
    """(bins × bands) triangles and the bands' centres in Hz."""
    top, hz, edges = min(16_000, 0.49 * rate), rate / size, []
    step = 0
    while (f := 30 * 2 ** (step / 12)) <= top:
        edges.append(int(np.floor(f / hz + 0.5)))
        step += 1
    edges = sorted({e for e in edges if e > 0})
    weights = np.zeros((size // 2 + 1, len(edges) - 2), np.float32)
    for band, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:])):
        for b in range(left + 1, right):
            weights[b, band] = (b - left) / (centre - left) if b <= centre else (right - b) / (right - centre)
    return weights, np.array(edges[1:-1]) * hz


def groups(centres):
    """(bands of the spectrum × bands of the net) that averages."""
    weights = np.zeros((len(centres), BANDS), np.float32)
    for band, (low, high) in enumerate(zip(EDGES, EDGES[1:])):
        first, end = np.searchsorted(centres, low), np.searchsorted(centres, high)
        if first == end and 0 < first < len(centres):
            end = first + 1
        if end > first:
            weights[first:end, band] = 1 / (end - first)
    return weights


def features(x, rate=44_100):
    hop, size = rate // 200, int(2 ** np.floor(np.log2(rate * 0.0232) + 0.5))
    weights, centres = bank(rate, size)
    window = ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)) * 4 / size).astype(np.float32)
    padded = np.concatenate([np.zeros(size // 2, np.float32), np.clip(x, -8, 8).astype(np.float32), np.zeros(size, np.float32)])
    count = len(x) // hop // 4 * 4
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    levels = np.concatenate([np.log10(1 + 400 * (np.abs(np.fft.rfft(frames[i : i + 2000] * window).astype(np.complex64)) @ weights)) for i in range(0, count, 2000)])
    before = np.concatenate([np.zeros((3, levels.shape[1]), np.float32), levels[:-3]])
    rise = np.maximum(levels - before, 0).mean(1).reshape(-1, 4).max(1)
    bands = (levels @ groups(centres)).reshape(-1, 4, BANDS).mean(1)
    return np.concatenate([np.clip(np.round(64 * bands), 0, 255), np.clip(np.round(128 * rise), 0, 255)[:, None]], 1).astype(np.uint8)
