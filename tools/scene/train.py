"""Trains the scene net on scenes (scenes.py) and writes its weights.

    python3 tools/scene/train.py --scenes A.npz B.npz --validation V.npz --seed 1 --epochs 30 net.pt

Prints the loss and the F of each activity on the validation scenes, which are composed of the packages that are only
reported on.
"""

import argparse
import pathlib
import time

import net
import numpy as np
import torch

# How much an activity counts, and an example of it against its absence.
WEIGHTS = torch.tensor([1.0, 0.4, 1.4, 0.4])

# How much more the absence of music counts while other sounds are present.
FALSE_MUSIC = 1.5


def load(paths):
    parts = [np.load(path) for path in paths]
    raw = np.concatenate([part["inputs"] for part in parts])
    labels = np.concatenate([part["labels"] for part in parts])
    features = np.concatenate([net.inputs(raw[i : i + 64]).astype(np.float16) for i in range(0, len(raw), 64)])
    # Frames in which nothing sounds, or much less than around them, are not decided here but by their level.
    level = raw[..., 0].astype(np.float32)
    weight = np.clip((level - net.maxima(level, 31) + 35) / 15, 0.0, 1.0)
    weight[(labels == 0).all(-1)] *= 0.3
    return features, labels, weight.astype(np.float16)


def loss_of(logits, labels, weight):
    decided = (labels >= 0) * weight[..., None]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.clamp(min=0), reduction="none")
    # Music where there is none, among other sounds, is the worse error.
    false_music = (labels[..., 2] == 0) & (labels[..., 3] == 1)
    decided = decided * torch.stack([torch.ones_like(weight), torch.ones_like(weight), 1 + FALSE_MUSIC * false_music, torch.ones_like(weight)], -1)
    return (loss * decided * WEIGHTS).sum() / (decided.sum() + 1)


def augmented(rng, x, labels, weight, crop):
    """Crops with another equaliser, at another speed reading of the level, some inputs blurred."""
    count, frames = x.shape[:2]
    starts = rng.integers(0, (frames - crop) // 2 + 1, count) * 2
    pick = starts[:, None] + np.arange(crop)
    rows = np.arange(count)[:, None]
    x, labels, weight = x[rows, pick].astype(np.float32), labels[rows, pick].astype(np.float32), weight[rows, pick].astype(np.float32)
    tilt = rng.normal(0, 0.12, (count, 1, 1)) * np.linspace(-1, 1, net.BANDS) + rng.normal(0, 0.08, (count, 1, net.BANDS))
    x[:, :, 2:20] = np.clip(x[:, :, 2:20] + tilt * (rng.random((count, 1, 1)) < 0.6), -3, 0.5)
    x = x + rng.normal(0, 0.02, x.shape).astype(np.float32)
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
    return out, ", ".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--validation", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--crop", type=int, default=400)
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
    optimiser = torch.optim.AdamW(model.parameters(), lr=arguments.rate, weight_decay=0.02)
    batch = 24
    steps = arguments.epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, arguments.rate, total_steps=steps + 1, pct_start=0.15)
    started = time.time()
    for epoch in range(arguments.epochs):
        model.train()
        if frozen:
            [m.eval() for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)]
        losses = []
        for rows in np.array_split(rng.permutation(len(x)), len(x) // batch):
            a, b, c = augmented(rng, x[rows], labels[rows], weight[rows], arguments.crop)
            logits = model(torch.from_numpy(net.stacked(a)))
            loss = loss_of(logits, torch.from_numpy(b), torch.from_numpy(c))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            if schedule.last_epoch < steps:
                schedule.step()
            losses.append(loss.item())
            for k, v in model.state_dict().items():
                if v.dtype.is_floating_point:
                    average[k].mul_(0.98).add_(v, alpha=0.02)
                else:
                    average[k].copy_(v)
        if epoch % 3 == 2 or epoch + 1 == arguments.epochs:
            averaged = net.SceneNet()
            averaged.load_state_dict(average)
            _, text = figures(averaged, *validation)
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}; other packages: {text} ({time.time() - started:.0f} s)", flush=True)
            torch.save(average, arguments.out)
        else:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f} ({time.time() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
