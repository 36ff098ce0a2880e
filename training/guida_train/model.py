"""The encoder: BERT's layers (post-norm, learnt positions, GELU) with mean pooling, as llama.cpp's `bert` computes it."""

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .tokens import PAD

#: Dimensions that carry a token's unimportance rather than its meaning; see `Encoder.start_from_static`.
GATE = 16


@dataclass
class Shape:
    """Sizes of the model."""

    vocabulary: int
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 1024
    positions: int = 512

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        w = shape.width
        self.heads = shape.heads
        self.qkv = nn.Linear(w, 3 * w)
        self.out = nn.Linear(w, w)
        self.attention_norm = nn.LayerNorm(w, eps=1e-12)
        self.up = nn.Linear(w, shape.hidden)
        self.down = nn.Linear(shape.hidden, w)
        self.norm = nn.LayerNorm(w, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        n, t, w = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        # Written out: on CPUs the fused kernel's backward pass takes longer than these two products at such lengths.
        seen = torch.softmax(q @ k.transpose(-1, -2) * (w // self.heads) ** -0.5 + mask, -1).to(v.dtype) @ v
        x = self.attention_norm(x + self.out(seen.transpose(1, 2).reshape(n, t, w)))
        return self.norm(x + self.down(F.gelu(self.up(x), approximate="tanh")))


class Encoder(nn.Module):
    """Token ids (n, t), padded with `PAD`, to unit vectors (n, width)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.first_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        nn.init.normal_(self.tokens.weight, std=0.5)
        nn.init.zeros_(self.positions.weight)
        for layer in self.layers:
            for linear in (layer.qkv, layer.up):
                nn.init.normal_(linear.weight, std=1 / math.sqrt(shape.width))
                nn.init.zeros_(linear.bias)
            # Every layer begins as the identity, so that training goes on from what the static vectors know.
            for linear in (layer.out, layer.down):
                nn.init.zeros_(linear.weight)
                nn.init.zeros_(linear.bias)

    def last_norm(self) -> nn.LayerNorm:
        return self.layers[-1].norm if len(self.layers) else self.first_norm

    def start_static(self, frequency: torch.Tensor) -> None:
        """Prepares training of the token vectors alone.

        The norm after the embedding makes all tokens equally long, so a mean over them could not weigh 的 less than 挂失. The
        last `GATE` dimensions carry that weight instead: what a token spends there is lost to the rest, and the gain of the
        last norm is near zero for them. They begin at a smooth inverse frequency (Arora, Liang and Ma, ICLR 2017).
        """
        weight = (1e-3 / (1e-3 + frequency)).clamp(0.05, 0.98)
        gate = torch.sqrt(1 / weight**2 - 1) * math.sqrt((self.shape.width - GATE) / GATE) * 0.5
        sign = torch.tensor([1.0, -1.0]).repeat(GATE // 2)
        with torch.no_grad():
            self.tokens.weight[:, -GATE:] = gate[:, None] * sign
            self.last_norm().weight[-GATE:] = 0.02

    def forward(self, ids: torch.Tensor, offset: int = 0) -> torch.Tensor:
        real = ids != PAD
        x = self.tokens(ids)
        x = self.first_norm(x + self.positions.weight[offset : offset + ids.shape[1]])
        mask = torch.zeros(ids.shape).masked_fill(~real, -1e4).to(torch.bfloat16)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        real = real[:, :, None].to(x.dtype)
        return F.normalize((x * real).sum(1).float() / real.sum(1).float(), dim=-1)

    def static(self, rows: list[list[int]]) -> torch.Tensor:
        """Means of the normed token vectors, without any layer: the norm runs over the table, not over every token."""
        table = self.last_norm()(self.tokens.weight)
        ids = torch.tensor([token for row in rows for token in row])
        starts = torch.tensor([0] + [len(row) for row in rows[:-1]]).cumsum(0)
        return F.normalize(F.embedding_bag(ids, table, starts, mode="mean"), dim=-1)


def pad(rows: list[list[int]], multiple: int = 1) -> torch.Tensor:
    """Rows of token ids as one padded matrix, its width a multiple of `multiple`."""
    width = -(-max(map(len, rows)) // multiple) * multiple
    out = torch.full((len(rows), width), PAD, dtype=torch.long)
    for at, row in enumerate(rows):
        out[at, : len(row)] = torch.tensor(row)
    return out


def by_length(model: Encoder, rows: list[list[int]], group: int, offset: int) -> torch.Tensor:
    """Vectors of rows in their order, computed in groups of `group` rows of like length.

    Little of the work goes into padding, and few shapes occur: oneDNN compiles its kernels anew for every shape it meets.
    """
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    parts = []
    for start in range(0, len(order), group):
        chosen = [rows[at] for at in order[start : start + group]]
        chosen += [chosen[-1]] * (group - len(chosen))
        parts.append(model(pad(chosen, 16), offset))
    place = torch.empty(len(order), dtype=torch.long)
    place[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(parts)[place]


@torch.no_grad()
def encode(model: Encoder, rows: list[list[int]], batch_tokens: int = 16384) -> torch.Tensor:
    """Vectors of many rows: sorted by length, batches of about `batch_tokens` tokens."""
    order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
    out = torch.empty(len(rows), model.shape.width)
    if not model.layers:
        for start in range(0, len(rows), 4096):
            out[start : start + 4096] = model.static(rows[start : start + 4096])
        return out
    model.eval()
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end - start + 1) * len(rows[order[end]]) <= batch_tokens:
            end += 1
        group = order[start:end]
        with torch.autocast("cpu", torch.bfloat16):
            out[group] = model(pad([rows[at] for at in group])).float()
        start = end
    model.train()
    return out
