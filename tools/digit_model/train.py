"""Train the digit model in stages, on the CPU: short windows first, whole 30 s windows last."""

import argparse
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mel import log_mel
from mix import Mixer, Window
from model import Whisper
from tokens import FRAME_S, GRID, L_EOT, L_NO_SPEECH, L_SOT, L_TIME, N_AUDIO_CTX, N_TIMES, time_id

IGNORE = -100
# Of a window without speech, whisper.cpp reads the no-speech probability off the first position, then masks that
# token: the rest of the probability says where to go on from there, to an empty text.
GO_ON = 0.1
MAX_INITIAL_S = 1.0  # whisper.cpp's default `max_initial_ts`


@dataclass(frozen=True)
class Stage:
    steps: int
    seconds: float
    batch: int
    max_words: int
    rate: float
    half: bool = True  # bfloat16: twice as fast where the CPU has it


STAGES = {
    "short": Stage(5000, 4.0, 10, 6, 1.5e-3),
    "medium": Stage(1500, 8.0, 8, 14, 1.0e-3),
    "full": Stage(800, 30.0, 4, 45, 6.0e-4),
}


@dataclass
class Example:
    tokens: list[int]
    targets: list[int]
    spans: list[tuple[int, int]]  # frames that head 0 should look at; (0, 0): anywhere


def example(words: list, first: int, rng: np.random.Generator) -> Example:
    """Tokens of a window that begins at encoder frame `first` (a multiple of GRID) of its 30 s."""
    base = first * FRAME_S
    if not words:
        return Example([L_SOT, time_id(base)], [L_NO_SPEECH, L_EOT], [(0, 0), (0, 0)])
    tokens, targets, spans = [L_SOT], [], []
    for index, (digit, start, end) in enumerate(words):
        begin = min(start, MAX_INITIAL_S) if index == 0 and first == 0 else start
        targets += [time_id(base + begin), digit, time_id(base + end)]
        tokens += [heard_start(index, start, base, rng), digit, jitter(time_id(base + end), rng)]
        a, b = int(start / FRAME_S), math.ceil(end / FRAME_S)
        spans += [(max(a - 2, 0), a + 3), (a, b), (max(b - 3, 0), b + 2)]
    return Example(tokens, targets + [L_EOT], spans + [(0, 0)])


def heard_start(index: int, start: float, base: float, rng: np.random.Generator) -> int:
    """The start fed back: the first one may come too early, as whisper.cpp bounds it."""
    if index == 0 and start > MAX_INITIAL_S:
        return time_id(base + MAX_INITIAL_S)
    if index == 0 and rng.random() < 0.1:
        return time_id(base + rng.uniform(0.0, start))
    return jitter(time_id(base + start), rng)


def jitter(time: int, rng: np.random.Generator) -> int:
    step = int(rng.integers(-2, 3)) if rng.random() < 0.3 else 0
    return min(max(time + step, L_TIME), L_TIME + N_TIMES - 1)


def frame_labels(words: list, frames: int) -> Tensor:
    labels = torch.full((frames,), 10)
    for digit, start, end in words:
        labels[int(start / FRAME_S) : math.ceil(end / FRAME_S)] = digit
    return labels


class Batches(Dataset):
    """Batch number `i` of a stage: the same seed gives the same batches."""

    def __init__(self, mixer: Mixer, stage: Stage, offset: int) -> None:
        self.mixer, self.stage, self.offset = mixer, stage, offset
        self.frames = int(stage.seconds / FRAME_S)

    def __len__(self) -> int:
        return self.stage.steps

    def __getitem__(self, step: int) -> tuple:
        stage, index = self.stage, self.offset + step * self.stage.batch
        rng = np.random.default_rng([self.mixer.seed, 1, index])
        first = GRID * int(rng.integers(0, (N_AUDIO_CTX - self.frames) // GRID + 1))
        windows: list[Window] = [self.mixer.window(index + i, stage.seconds, stage.max_words) for i in range(stage.batch)]
        mels = torch.stack([log_mel(w.samples, 2 * self.frames) for w in windows])
        examples = [example(w.words, first, rng) for w in windows]
        longest = max(len(e.tokens) for e in examples)
        pad = lambda row, value: row + [value] * (longest - len(row))  # noqa: E731
        return (
            mels,
            first,
            torch.tensor([pad(e.tokens, L_EOT) for e in examples]),
            torch.tensor([pad(e.targets, IGNORE) for e in examples]),
            torch.tensor([pad(e.spans, (0, 0)) for e in examples]),
            torch.stack([frame_labels(w.words, self.frames) for w in windows]),
        )


def text_loss(logits: Tensor, targets: Tensor, tokens: Tensor) -> Tensor:
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="none")
    silent = targets == L_NO_SPEECH
    loss = loss * torch.where(silent, 1 - GO_ON, 1.0).flatten()
    # In a silent window the second input is the timestamp to go on with.
    go_on = F.cross_entropy(logits[:, 0], tokens[:, 1], reduction="none")
    return (loss.sum() + GO_ON * (go_on * silent[:, 0]).sum()) / (targets != IGNORE).sum()


def gaze_loss(seen: list[Tensor], spans: Tensor) -> Tensor:
    """How little of head 0's attention, in the last two layers, falls on the frames of the word being told."""
    wanted = spans[..., 1] > 0
    total = seen[0].new_zeros(())
    for weights in seen[-2:]:
        mass = F.pad(weights.cumsum(-1), (1, 0))
        last = mass.shape[-1] - 1
        inside = mass.gather(-1, spans.clamp(max=last)).diff(dim=-1).squeeze(-1)
        total = total - (inside.clamp(min=0) + 1e-3).log()[wanted].mean()
    return total


def losses(model: Whisper, batch: tuple) -> tuple[Tensor, dict[str, float]]:
    mels, first, tokens, targets, spans, labels = batch
    audio = model.encoder(mels, first)
    logits, seen = model.decoder(tokens, audio)
    text = text_loss(logits, targets, tokens)
    gaze = gaze_loss(seen, spans) if (spans[..., 1] > 0).any() else text.new_zeros(())
    frames = F.cross_entropy(model.frame_head(audio).flatten(0, 1), labels.flatten())
    found, known = logits.argmax(-1), targets != IGNORE
    digit = known & (targets < 10)
    timed = known & (targets >= L_TIME)
    report = {
        "text": text.item(), "gaze": gaze.item(), "frames": frames.item(),
        "digits": (found == targets)[digit].float().mean().item(),
        "times": ((found - targets).abs() <= 2)[timed].float().mean().item(),
    }
    return text + 0.2 * gaze + 0.5 * frames, report


def run_stage(model: Whisper, name: str, stage: Stage, mixer: Mixer, offset: int, out: Path) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.rate, betas=(0.9, 0.98), weight_decay=0.01)
    warmup = min(100, stage.steps // 5)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / warmup, 0.02 + 0.98 * math.cos(math.pi / 2 * i / stage.steps) ** 2))
    began, reports = time.monotonic(), []
    loader = DataLoader(Batches(mixer, stage, offset), batch_size=None, num_workers=1, prefetch_factor=4)
    for step, batch in enumerate(loader, 1):
        with torch.autocast("cpu", torch.bfloat16, enabled=stage.half):
            loss, report = losses(model, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        reports.append(report)
        if step % 50 == 0:
            means = " ".join(f"{key} {np.nanmean([r[key] for r in reports]):.3f}" for key in report)
            print(f"{name} {step}/{stage.steps} {means} {time.monotonic() - began:.0f} s", flush=True)
            reports = []
        if step % 200 == 0 or step == stage.steps:
            torch.save(model.state_dict(), out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=Path, required=True, help="train.npz")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--start", type=Path, help="checkpoint to go on from")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--steps", type=int, help="instead of the stage's own number")
    parser.add_argument("--rate", type=float, help="highest learning rate, instead of the stage's own")
    parser.add_argument("--decoder-only", action="store_true", help="leave the encoder as it is: a third of the work")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    model = Whisper()
    if args.start:
        model.load_state_dict(torch.load(args.start, weights_only=True))
    model.encoder.requires_grad_(not args.decoder_only)
    own = STAGES[args.stage]
    stage = replace(own, steps=args.steps or own.steps, rate=args.rate or own.rate)
    mixer = Mixer(args.pool, args.seed, {"espeak": 0.45, "fsdd": 0.55})
    run_stage(model, args.stage, stage, mixer, list(STAGES).index(args.stage) * 10_000_000, args.out)


if __name__ == "__main__":
    main()
