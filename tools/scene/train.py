"""Trains the scene net on scenes (scenes.py) and writes its weights.

    python3 tools/scene/train.py --scenes A.npz B.npz --validation V.npz --seed 1 --epochs 30 net.pt

Prints the loss, and on the validation scenes, which are composed of the packages that are only reported on, the F of each
activity and the fraction of frames of other sounds that are called music. `--minutes` ends the schedule after so many
minutes of CPU time.
"""

import argparse
import pathlib
import time

import net
import numpy as np
import torch

# How much an activity counts, and an example of it against its absence.
WEIGHTS = torch.tensor([1.0, 0.8, 1.4, 0.4])

# How much more the absence of music counts while other sounds are present.
FALSE_MUSIC = 1.5


def load(paths):
    parts = [np.load(path) for path in paths]
    frames = max(part["labels"].shape[1] for part in parts)
    # Shorter scenes are followed by frames that are not decided.
    longer = lambda x, **how: np.pad(x, [(0, 0), (0, frames - x.shape[1]), (0, 0)], **how)
    raw = np.concatenate([longer(part["inputs"], mode="edge") for part in parts])
    labels = np.concatenate([longer(part["labels"], constant_values=-1) for part in parts])
    features = np.concatenate([net.inputs(raw[i : i + 64]).astype(np.float16) for i in range(0, len(raw), 64)])
    # Frames in which nothing sounds, or much less than around them, are not decided here but by their level.
    level = raw[..., 0].astype(np.float32)
    weight = np.clip((level - net.maxima(level, 31) + 35) / 15, 0.0, 1.0)
    weight[(labels == 0).all(-1)] *= 0.3
    return features, labels, weight.astype(np.float16)


def loss_of(logits, labels, weight):
    decided = (labels >= 0) * weight[..., None]
    targets = labels.clamp(min=0) * (1 - 2 * SMOOTHING) + SMOOTHING
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # Music where there is none, among other sounds, is the worse error.
    false_music = (labels[..., 2] == 0) & (labels[..., 3] == 1)
    decided = decided * torch.stack([torch.ones_like(weight), torch.ones_like(weight), 1 + FALSE_MUSIC * false_music, torch.ones_like(weight)], -1)
    return (loss * decided * WEIGHTS).sum() / (decided.sum() + 1)


# Frames of the crops, how often each is drawn, and how many make a batch: short ones are for short recordings.
CROPS = [(896, 0.6, 16), (448, 0.25, 32), (160, 0.15, 64)]
BAND_INPUTS = slice(2, 2 + net.BANDS)
CORRELATION_INPUTS = slice(4 + net.BANDS, 20 + net.BANDS)
VOICE_INPUT = net.INPUTS - 1
SMOOTHING = 0.02


def augmented(rng, x, labels, weight, crop):
    """Crops with another equaliser, with noise, some inputs hidden for some of the time."""
    count, frames = x.shape[:2]
    pick = rng.integers(0, frames - crop + 1, count)[:, None] + np.arange(crop)
    rows = np.arange(count)[:, None]
    x, labels, weight = x[rows, pick].astype(np.float32), labels[rows, pick].astype(np.float32), weight[rows, pick].astype(np.float32)
    tilt = rng.normal(0, 0.12, (count, 1, 1)) * np.linspace(-1, 1, net.BANDS) + rng.normal(0, 0.08, (count, 1, net.BANDS))
    x[:, :, BAND_INPUTS] = np.clip(x[:, :, BAND_INPUTS] + tilt * (rng.random((count, 1, 1)) < 0.6), -3, 0.5)
    x = x + rng.normal(0, 0.03, x.shape).astype(np.float32)
    for row in x:
        if rng.random() < 0.25:
            first = int(rng.integers(0, net.BANDS))
            row[:, BAND_INPUTS][:, first : first + int(rng.integers(1, 6))] = rng.uniform(-3, -1)
        if rng.random() < 0.1:
            row[:, CORRELATION_INPUTS] *= rng.uniform(0.3, 1)
        if rng.random() < 0.15:
            # The speech detector errs, too.
            start = int(rng.integers(0, crop))
            row[start : start + int(rng.integers(10, 300)), VOICE_INPUT] = rng.choice([0, rng.random()])
        if rng.random() < 0.3:
            start = int(rng.integers(0, crop))
            row[start : start + int(rng.integers(4, 40))] = 0
    return x.astype(np.float32), labels, weight


def figures(model, features, labels, weight):
    model.eval()
    with torch.no_grad():
        out = np.concatenate([
            torch.sigmoid(model(torch.from_numpy(net.stacked(features[i : i + 32].astype(np.float32))))).numpy()
            for i in range(0, len(features), 32)
        ])[:, : labels.shape[1]]  # fmt: skip
    text = []
    for k, name in enumerate(net.ACTIVITIES):
        use = (labels[..., k] >= 0) & (weight > 0.5)
        true, found = labels[..., k][use] == 1, out[..., k][use] > 0.5
        text.append(f"{name} {2 * (true & found).sum() / max(1, true.sum() + found.sum()):.3f}")
    sounds = (labels[..., 2] == 0) & (labels[..., 3] == 1) & (labels[..., 0] != 1) & (weight > 0.5)
    text.append(f"false music {(out[..., 2][sounds] > 0.5).mean():.3f}")
    return out, ", ".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--validation", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=1e9, help="of CPU time")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--init", type=pathlib.Path, help="weights to begin with: of an earlier run, or the crate's")
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(arguments.seed)
    x, labels, weight = load(arguments.scenes)
    validation = load(arguments.validation)
    model = net.SceneNet()
    frozen = arguments.init is not None and arguments.init.suffix == ".f16"
    if frozen:
        model = net.unfolded(np.fromfile(arguments.init, "<f2"))
    elif arguments.init:
        model.load_state_dict(torch.load(arguments.init))
    average = {k: v.clone() for k, v in model.state_dict().items()}
    print(f"{len(x)} scenes, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=arguments.rate, weight_decay=0.03)
    lengths = np.array([crop for crop, *_ in CROPS])
    chances = np.array([chance for _, chance, _ in CROPS])
    per_epoch = int(len(x) / sum(chance * batch for _, chance, batch in CROPS))
    started, done, step, losses = time.process_time(), 0.0, 0, []
    while done < 1:
        model.train()
        if frozen:
            [m.eval() for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)]
        crop, _, batch = CROPS[rng.choice(len(lengths), p=chances)]
        rows = rng.integers(0, len(x), batch)
        a, b, c = augmented(rng, x[rows], labels[rows], weight[rows], crop)
        # One cycle, over the steps or over the time, whichever is over first.
        done = max(step / (arguments.epochs * per_epoch), (time.process_time() - started) / 60 / arguments.minutes)
        for group in optimiser.param_groups:
            group["lr"] = arguments.rate * max(min(done / 0.1, 1), 0.04) * (0.5 + 0.5 * np.cos(np.pi * min(max(done - 0.1, 0) / 0.9, 0.995)))
        logits = model(torch.from_numpy(net.stacked(a)))
        loss = loss_of(logits, torch.from_numpy(b), torch.from_numpy(c))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        losses.append(loss.item())
        keep = min(0.995, step / (step + 10))
        for k, v in model.state_dict().items():
            if v.dtype.is_floating_point:
                average[k].mul_(keep).add_(v, alpha=1 - keep)
            else:
                average[k].copy_(v)
        if step % (3 * per_epoch) == 0 or done >= 1:
            averaged = net.SceneNet()
            averaged.load_state_dict(average)
            _, text = figures(averaged, *validation)
            spent = (time.process_time() - started) / 60
            print(f"epoch {step / per_epoch:.1f}: loss {np.mean(losses):.4f}; other packages: {text} ({spent:.1f} min of CPU)", flush=True)
            losses = []
            torch.save(average, arguments.out)


if __name__ == "__main__":
    main()
