"""The scene net: its inputs, made of the crate's textures, and its layers. The crate's scene/net.rs computes the same."""

import numpy as np
import torch
from torch import nn

RAW = 42
BANDS = 18
INPUTS = 43
TAPS = 5
ACTIVITIES = ["speech", "singing", "music", "noise"]


FRAMES_PER_STEP = 4
CHANNELS = 88
# Distance of the taps of each block in steps.
DILATIONS = (1, 2, 4, 8, 16, 32, 4, 1)
OUTPUTS = FRAMES_PER_STEP * len(ACTIVITIES)


def maxima(values, radius):
    """The maximum of `values` (..., frames) within `radius` of each."""
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(radius, radius)], constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=-1).max(-1)


def inputs(raw):
    """(..., frames, INPUTS) of the crate's raw textures (..., frames, RAW)."""
    raw = raw.astype(np.float32)
    level, bands, rest = raw[..., 0], raw[..., 1 : 1 + BANDS], raw[..., 1 + BANDS :]
    near, far = maxima(level, 31), maxima(level, 94)
    parts = [
        np.clip((level - near) / 20, -3, 0)[..., None],
        np.clip((level - far) / 20, -3, 0)[..., None],
        np.clip((bands / 2 - 120 - near[..., None]) / 20, -3, 0.5),
        np.clip(rest[..., :1] / 4, 0, 3),
        np.clip(rest[..., 1:2] / 10, 0, 4),
        rest[..., 2:18] / 127,
        rest[..., 18:22] / 100,
        rest[..., 22:23],
    ]
    return np.concatenate(parts, -1).astype(np.float32)


def stacked(frames):
    """(..., steps, inputs of a step): the frames of a step side by side, the last step padded with zeros."""
    missing = -frames.shape[-2] % FRAMES_PER_STEP
    if missing:
        frames = np.concatenate([frames, np.zeros_like(frames[..., :missing, :])], -2)
    return frames.reshape(*frames.shape[:-2], -1, FRAMES_PER_STEP * frames.shape[-1])


class Block(nn.Module):
    def __init__(self, dilation, dropout):
        super().__init__()
        self.depth = nn.Conv1d(CHANNELS, CHANNELS, TAPS, padding=dilation * (TAPS // 2), dilation=dilation, groups=CHANNELS, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.mix = nn.Conv1d(CHANNELS, CHANNELS, 1)
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x):
        return x + self.drop(self.mix(torch.relu(self.norm(self.depth(x)))))


class SceneNet(nn.Module):
    def __init__(self, dropout=0.1):
        super().__init__()
        self.stem = nn.Conv1d(FRAMES_PER_STEP * INPUTS, CHANNELS, 1, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.blocks = nn.ModuleList(Block(dilation, dropout) for dilation in DILATIONS)
        self.head = nn.Conv1d(CHANNELS, OUTPUTS, 1)

    def forward(self, x):
        """(batch, steps, inputs of a step) to log odds (batch, frames, activities)."""
        x = torch.relu(self.norm(self.stem(x.transpose(1, 2))))
        for block in self.blocks:
            x = block(x)
        y = self.head(torch.relu(x)).transpose(1, 2)
        return y.reshape(y.shape[0], -1, len(ACTIVITIES))

    def folded(self):
        """The parameters in the crate's order, with normalisations folded into the maps before them."""
        def scale(norm):
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            return factor, norm.bias - factor * norm.running_mean

        factor, bias = scale(self.norm)
        parts = [self.stem.weight[:, :, 0] * factor[:, None], bias]
        for block in self.blocks:
            factor, bias = scale(block.norm)
            parts += [block.depth.weight[:, 0, :] * factor[:, None], bias, block.mix.weight[:, :, 0], block.mix.bias]
        parts += [self.head.weight[:, :, 0], self.head.bias]
        return np.concatenate([part.detach().double().numpy().ravel() for part in parts])


def unfolded(values):
    """A net with these folded parameters; its normalisations do nothing and are not to be trained in batches."""
    model, at = SceneNet(), 0

    def take(parameter):
        nonlocal at
        count = parameter.numel()
        parameter.data.copy_(torch.from_numpy(values[at : at + count].astype(np.float32)).reshape(parameter.shape))
        at += count

    for norm in [model.norm, *(block.norm for block in model.blocks)]:
        norm.running_var.fill_(1 - norm.eps)
    take(model.stem.weight)
    take(model.norm.bias)
    for block in model.blocks:
        for parameter in (block.depth.weight, block.norm.bias, block.mix.weight, block.mix.bias):
            take(parameter)
    take(model.head.weight)
    take(model.head.bias)
    assert at == len(values)
    return model


def run_folded(values, raw):
    """Activities (frames, 4) by the folded parameters as the crate computes them, in double precision: the reference."""
    steps, at = stacked(inputs(raw)).astype(np.float64), 0

    def take(*shape):
        nonlocal at
        count = int(np.prod(shape))
        at += count
        return values[at - count : at].reshape(shape)

    x = np.maximum(steps @ take(CHANNELS, steps.shape[1]).T + take(CHANNELS), 0)
    for dilation in DILATIONS:
        taps, bias = take(CHANNELS, TAPS), take(CHANNELS)
        reach = dilation * (TAPS // 2)
        padded = np.pad(x, [(reach, reach), (0, 0)])
        h = sum(padded[k * dilation : k * dilation + len(x)] * taps[:, k] for k in range(TAPS)) + bias
        x = x + np.maximum(h, 0) @ take(CHANNELS, CHANNELS).T + take(CHANNELS)
    y = np.maximum(x, 0) @ take(OUTPUTS, CHANNELS).T + take(OUTPUTS)
    return 1 / (1 + np.exp(-y.reshape(-1, 4)[: len(raw)]))
