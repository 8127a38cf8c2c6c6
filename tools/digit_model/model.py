"""The Whisper architecture at a small size, with the tensor names whisper.cpp reads.

Two things are tied by hand, both plain tables in the exported file. Timestamp embeddings start as the encoder's
own sinusoids, so telling a time is copying the position one attends to. Decoder positions repeat with period 3,
as the text does (start, word, end), so long windows need no examples of every length.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tokens import GRID, L_TIME, N_AUDIO_CTX, N_LOCAL, N_TIMES, N_ZERO_ROWS

N_STATE = 96
N_HEAD = 3
N_AUDIO_LAYER = 4
# whisper.cpp takes an English model of exactly two text layers for a distilled one and forbids it timestamps.
N_TEXT_LAYER = 3
N_TEXT_CTX = 448
LOOK = 1.2  # how sharply attention looks at its place at the start


def sinusoids(length: int, channels: int) -> Tensor:
    """Whisper's encoder positions, shape (length, channels): sines, then cosines."""
    rates = torch.exp(-math.log(10_000) / (channels // 2 - 1) * torch.arange(channels // 2))
    angles = torch.arange(length)[:, None] * rates[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(N_STATE, N_STATE)
        self.key = nn.Linear(N_STATE, N_STATE, bias=False)
        self.value = nn.Linear(N_STATE, N_STATE)
        self.out = nn.Linear(N_STATE, N_STATE)

    @torch.no_grad()
    def look_at(self, offsets: list[int]) -> None:
        """Start with head h looking `offsets[h]` frames ahead of the position its query carries.

        A query's sinusoids, turned by the offset, match a key's best at that distance. Without this start a small
        model spends most of its training finding out where things are.
        """
        half, width = N_STATE // 2, N_STATE // N_HEAD
        rates = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half))
        pairs = [round(i * 1.6) for i in range(width // 2)]  # periods from 6 to some 700 frames
        for head, offset in enumerate(offsets):
            for index, pair in enumerate(pairs):
                sine, cosine = head * width + 2 * index, head * width + 2 * index + 1
                turn = rates[pair] * offset
                self.key.weight[sine, pair] += LOOK
                self.key.weight[cosine, half + pair] += LOOK
                self.query.weight[sine, pair] += LOOK * turn.cos()
                self.query.weight[sine, half + pair] += LOOK * turn.sin()
                self.query.weight[cosine, half + pair] += LOOK * turn.cos()
                self.query.weight[cosine, pair] -= LOOK * turn.sin()

    def forward(self, x: Tensor, source: Tensor, causal: bool = False, weights: bool = False):
        """x (batch, n, state) attends to source (batch, m, state); with `weights`, head 0's (batch, n, m) too."""
        q, k, v = (f(s).unflatten(-1, (N_HEAD, -1)).transpose(1, 2)
                   for f, s in ((self.query, x), (self.key, source), (self.value, source)))
        if not weights:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return self.out(mixed.transpose(1, 2).flatten(2)), None
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).float().softmax(-1)
        return self.out((scores.to(v.dtype) @ v).transpose(1, 2).flatten(2)), scores[:, 0]


class Block(nn.Module):
    def __init__(self, cross: bool) -> None:
        super().__init__()
        self.attn, self.attn_ln = Attention(), nn.LayerNorm(N_STATE)
        if cross:
            self.cross_attn, self.cross_attn_ln = Attention(), nn.LayerNorm(N_STATE)
        self.mlp = nn.Sequential(nn.Linear(N_STATE, 4 * N_STATE), nn.GELU("tanh"), nn.Linear(4 * N_STATE, N_STATE))
        self.mlp_ln = nn.LayerNorm(N_STATE)

    def forward(self, x: Tensor, audio: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        seen = None
        y = self.attn_ln(x)
        x = x + self.attn(y, y, causal=audio is not None)[0]
        if audio is not None:
            y, seen = self.cross_attn(self.cross_attn_ln(x), audio, weights=True)
            x = x + y
        return x + self.mlp(self.mlp_ln(x)), seen


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(80, N_STATE, 3, padding=1)
        self.conv2 = nn.Conv1d(N_STATE, N_STATE, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(N_AUDIO_CTX, N_STATE))
        self.blocks = nn.ModuleList(Block(cross=False) for _ in range(N_AUDIO_LAYER))
        for block, reach in zip(self.blocks, (2, 4, 8, 16)):
            block.attn.look_at([-reach, 0, reach])
        with torch.no_grad():
            self.conv2.weight *= 8.0  # else the positions drown the sound
        self.ln_post = nn.LayerNorm(N_STATE)

    def forward(self, mel: Tensor, first: int) -> Tensor:
        """mel (batch, 80, 2 n) -> (batch, n, state); `first`: where in the 30 s window these frames begin."""
        x = F.gelu(self.conv1(mel), approximate="tanh")
        x = F.gelu(self.conv2(x), approximate="tanh").transpose(1, 2)
        x = x + self.positional_embedding[first : first + x.shape[1]]
        for block in self.blocks:
            x = block(x)[0]
        return self.ln_post(x)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(N_LOCAL, N_STATE)
        nn.init.normal_(self.token_embedding.weight, std=0.2)
        with torch.no_grad():
            self.token_embedding.weight[L_TIME:] = 0.3 * sinusoids(GRID * (N_TIMES - 1) + 1, N_STATE)[::GRID]
        self.phase = nn.Parameter(torch.randn(4, N_STATE) * 0.2)
        self.blocks = nn.ModuleList(Block(cross=True) for _ in range(N_TEXT_LAYER))
        for block in self.blocks:
            block.cross_attn.look_at([8, 0, 20])
        self.ln = nn.LayerNorm(N_STATE)

    def positions(self, length: int) -> Tensor:
        """Row 0 for the start token, then three rows over and over."""
        index = torch.arange(length)
        return self.phase[torch.where(index == 0, 0, 1 + (index - 1) % 3)]

    def forward(self, tokens: Tensor, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """tokens (batch, n) -> logits (batch, n, N_LOCAL + 1), and head 0's attention to the audio per layer.

        The last logit stands for the embedding's zero rows together, each of logit 0.
        """
        x = self.token_embedding(tokens) + self.positions(tokens.shape[1])
        seen = []
        for block in self.blocks:
            x, weights = block(x, audio)
            seen.append(weights)
        with torch.autocast("cpu", enabled=False):
            logits = self.ln(x.float()) @ self.token_embedding.weight.T
        rest = torch.full_like(logits[..., :1], math.log(N_ZERO_ROWS))
        return torch.cat([logits, rest], dim=-1), seen


class Whisper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        # Training aid, not exported: which digit is spoken in each frame (0..9), or none (10).
        self.frame_head = nn.Linear(N_STATE, 11)
