"""Write a checkpoint as a ggml file for whisper.cpp: matrices quantised or in f16, convolutions in f16, the rest in f32."""

import argparse
import hashlib
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from mel import N_MELS, mel_filters
from model import N_AUDIO_LAYER, N_HEAD, N_STATE, N_TEXT_CTX, N_TEXT_LAYER, Whisper
from tokens import N_AUDIO_CTX, N_VOCAB, VOCAB, global_ids

MAGIC = 0x67676D6C
F32, F16, Q5_0, Q8_0 = 0, 1, 6, 8  # ggml_type
# ggml_ftype, for quantised files with the quantisation version (2) in the thousands.
FTYPES = {"f16": (F16, 1), "q8_0": (Q8_0, 2007), "q5_0": (Q5_0, 2008)}


def q8_0(rows: np.ndarray) -> bytes:
    """ggml's q8_0: blocks of 32 values along a row, each an f16 scale and 32 int8."""
    blocks = rows.astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1) / 127.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    packed = np.empty(len(blocks), dtype=[("d", "<f2"), ("q", "i1", 32)])
    packed["d"] = scale
    packed["q"] = np.rint(blocks * inverse[:, None])
    return packed.tobytes()


def q5_0(rows: np.ndarray) -> bytes:
    """ggml's q5_0: blocks of 32 values, each an f16 scale, the 32 fifth bits, and 16 pairs of nibbles.

    The value of largest magnitude is -16 scales, so that it is met exactly.
    """
    blocks = rows.astype(np.float32).reshape(-1, 32)
    peak = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)[:, 0]
    scale = peak / -16.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale != 0)
    levels = np.minimum(blocks * inverse[:, None] + 16.5, 31.0).astype(np.uint32)
    packed = np.empty(len(blocks), dtype=[("d", "<f2"), ("high", "<u4"), ("low", "u1", 16)])
    packed["d"] = scale
    packed["high"] = ((levels >> 4) << np.arange(32, dtype=np.uint32)).sum(axis=1)
    packed["low"] = (levels[:, :16] & 15) | ((levels[:, 16:] & 15) << 4)
    return packed.tobytes()


def encode(values: np.ndarray, kind: int) -> bytes:
    if kind == Q5_0:
        return q5_0(values)
    if kind == Q8_0:
        return q8_0(values)
    return values.astype("<f2" if kind == F16 else "<f4").tobytes()


def tensors(model: Whisper, matrix: int) -> list[tuple[str, np.ndarray, int]]:
    """Every tensor whisper.cpp expects: name, values (in PyTorch's order of axes), ggml type."""
    out = []
    for name, tensor in model.state_dict().items():
        values = tensor.numpy()
        if name.startswith("frame_head") or name == "decoder.phase":
            continue
        if name == "decoder.token_embedding.weight":
            table = np.zeros((N_VOCAB, N_STATE), np.float32)
            table[global_ids()] = values
            values = table
        if ".conv" in name and name.endswith("bias"):
            values = values[:, None]
        if ".conv" in name and name.endswith("weight"):
            kind = F16
        elif values.ndim == 2 and name.endswith(".weight"):
            kind = matrix
        else:
            kind = F32
        out.append((name, values, kind))
    positions = model.decoder.positions(N_TEXT_CTX).detach().numpy()
    out.append(("decoder.positional_embedding", positions, F32))
    return out


def write(file: BinaryIO, model: Whisper, matrix: int, ftype: int) -> None:
    sizes = (N_VOCAB, N_AUDIO_CTX, N_STATE, N_HEAD, N_AUDIO_LAYER, N_TEXT_CTX, N_STATE, N_HEAD, N_TEXT_LAYER, N_MELS, ftype)
    file.write(struct.pack("<I11i", MAGIC, *sizes))
    filters = mel_filters()
    file.write(struct.pack("<2i", *filters.shape) + filters.astype("<f4").tobytes())
    file.write(struct.pack("<i", len(VOCAB)))
    for word in VOCAB:
        file.write(struct.pack("<I", len(word)) + word.encode())
    for name, values, kind in tensors(model, matrix):
        axes = values.shape[::-1]
        file.write(struct.pack(f"<3i{len(axes)}i", len(axes), len(name), kind, *axes))
        file.write(name.encode() + encode(values, kind))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=FTYPES, default="q5_0")
    args = parser.parse_args()
    model = Whisper()
    model.load_state_dict(torch.load(args.checkpoint, weights_only=True))
    with args.out.open("wb") as file:
        write(file, model, *FTYPES[args.type])
    data = args.out.read_bytes()
    print(f"{args.out}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
