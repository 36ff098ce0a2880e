"""The encoder and what it compares texts with.

`Encoder` is BERT (post-norm, learnt positions, GELU) as llama.cpp's `bert` computes it. `LateInteraction` takes from its states one
vector for a whole text (their mean), and a short vector and a weight for every token. A clause about the very thing that is asked for may
still not say it; which of the question's tokens find no match in the clause tells so (MaxSim; Khattab and Zaharia, SIGIR 2020).
src/inference/late.rs computes the same from the exported file.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from .e5 import E5
from .vocabulary import BOS, EOS, PAD

EPSILON = 1e-12
#: Numbers of a token's vector.
TOKEN_WIDTH = 64
#: What a question's token counts at least, as in src/inference/late.rs.
LEAST_WEIGHT = 1e-6
#: Rows of one group are padded to a multiple of this: few shapes occur, and kernels are compiled for each anew.
PADDED_TO = 8


@dataclass
class Shape:
    """Sizes of the encoder."""

    vocabulary: int
    layers: int
    width: int = 384
    heads: int = 12
    hidden: int = 1536
    positions: int = 512

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Layer(nn.Module):
    """Attention and feed-forward network, each behind a sum and a norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        w = shape.width
        self.heads = shape.heads
        self.qkv = nn.Linear(w, 3 * w)
        self.out = nn.Linear(w, w)
        self.attention_norm = nn.LayerNorm(w, eps=EPSILON)
        self.up = nn.Linear(w, shape.hidden)
        self.down = nn.Linear(shape.hidden, w)
        self.norm = nn.LayerNorm(w, eps=EPSILON)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        n, t, w = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        # Written out: on CPUs the fused kernel's backward pass takes longer than these two products at such lengths.
        seen = torch.softmax(q @ k.transpose(-1, -2) * (w // self.heads) ** -0.5 + mask, -1) @ v
        x = self.attention_norm(x + self.out(seen.transpose(1, 2).reshape(n, t, w)))
        # llama.cpp computes GELU by its approximation with tanh.
        return self.norm(x + self.down(F.gelu(self.up(x), approximate="tanh")))


class Encoder(nn.Module):
    """Token ids (n, t), padded with `PAD`, to states (n, t, width) and a mask of what is no padding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.first_norm = nn.LayerNorm(shape.width, eps=EPSILON)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        real = ids != PAD
        x = self.first_norm(self.tokens(ids) + self.positions.weight[: ids.shape[1]])
        mask = torch.zeros(ids.shape).masked_fill(~real, -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x, real


class Encoded(NamedTuple):
    """Texts, encoded: n of them, at most t tokens each."""

    #: Unit vectors of the whole texts (n, width).
    pooled: torch.Tensor
    #: Unit vectors of the tokens (n, t, TOKEN_WIDTH).
    tokens: torch.Tensor
    #: How much each token matters when it is asked for (n, t).
    weights: torch.Tensor
    #: Which tokens there are, without opening, closing and padding (n, t).
    mask: torch.Tensor

    def part(self, start: int, end: int) -> "Encoded":
        return Encoded(*(x[start:end] for x in self))


def pad(rows: list[list[int]], multiple: int = PADDED_TO) -> torch.Tensor:
    """Rows of token ids as one padded matrix, its width a multiple of `multiple`."""
    width = -(-max(map(len, rows)) // multiple) * multiple
    out = torch.full((len(rows), width), PAD, dtype=torch.long)
    for at, row in enumerate(rows):
        out[at, : len(row)] = torch.tensor(row)
    return out


def mean(states: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Unit vectors: means of the states of all tokens, opening and closing ones among them."""
    real = real[:, :, None].float()
    return F.normalize((states * real).sum(1) / real.sum(1), dim=-1)


class LateInteraction(nn.Module):
    """An encoder with a projection and a weight for each token, and a head that judges how well a clause meets a question."""

    def __init__(self, encoder: Encoder, token_width: int = TOKEN_WIDTH) -> None:
        super().__init__()
        width = encoder.shape.width
        self.encoder = encoder
        self.projection = nn.Linear(width, token_width, bias=False)
        nn.init.orthogonal_(self.projection.weight)
        self.gate = nn.Linear(width, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        # Factors of the mean match, the weakest match and the cosine of the whole texts.
        self.head = nn.Parameter(torch.tensor([14.0, 2.0, 8.0]))
        self.bias = nn.Parameter(torch.tensor(-14.0))
        # How close the weakest match is to a minimum.
        self.sharpness = nn.Parameter(torch.tensor(8.0))

    def pooled(self, ids: torch.Tensor) -> torch.Tensor:
        """Unit vectors of whole texts, which is what llama.cpp is compared in (parity.py)."""
        return mean(*self.encoder(ids))

    def encode(self, rows: list[list[int]], group: int = 32) -> Encoded:
        """Encodes rows of token ids in groups of like length, so that little of the work goes into padding."""
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        longest = max(map(len, rows))
        pooled, tokens, weights = [], [], []
        for start in range(0, len(order), group):
            states, real = self.encoder(pad([rows[at] for at in order[start : start + group]]))
            pooled.append(mean(states, real))
            states = states[:, :longest]
            missing = longest - states.shape[1]
            tokens.append(F.pad(F.normalize(self.projection(states), dim=-1), (0, 0, 0, missing)))
            weights.append(F.pad(F.softplus(self.gate(states)[:, :, 0]), (0, missing)))
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        ids = pad(rows, 1)
        mask = (ids != PAD) & (ids != BOS) & (ids != EOS)
        return Encoded(torch.cat(pooled)[back], torch.cat(tokens)[back], torch.cat(weights)[back], mask)

    def log_odds(self, questions: Encoded, clauses: Encoded) -> torch.Tensor:
        """Log-odds that a clause answers a question, for all pairs (questions, clauses)."""
        n, t, width = questions.tokens.shape
        m, s, _ = clauses.tokens.shape
        cosines = questions.tokens.reshape(n * t, width) @ clauses.tokens.reshape(m * s, width).T
        cosines = cosines.view(n, t, m, s).masked_fill(~clauses.mask[None, None], -1.0)
        best = cosines.max(-1).values
        weights = (questions.weights * questions.mask)[:, :, None]
        total = weights.sum(1).clamp_min(LEAST_WEIGHT)
        match = (best * weights).sum(1) / total
        # The mean of steeply falling exponentials is ruled by its largest: a minimum that every token has a share in.
        soft = (torch.exp(-self.sharpness * best) * weights).sum(1) / total
        # The bound is for a question without any token.
        weakest = -torch.log(soft.clamp_min(1e-30)) / self.sharpness
        cosine = questions.pooled @ clauses.pooled.T
        return self.head[0] * match + self.head[1] * weakest + self.head[2] * cosine + self.bias


def from_e5(e5: E5, rows: list[int], layers: list[int]) -> Encoder:
    """An encoder of some of the layers of e5, with the rows of its table that a vocabulary keeps."""
    w, hidden = e5.sizes.width, e5.sizes.hidden
    encoder = Encoder(Shape(len(rows), len(layers), w, e5.sizes.heads, hidden, e5.sizes.positions))

    def tensor(name: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(e5.tensor(name)).view(*shape)

    def linear(to: nn.Linear, *names: str) -> None:
        rows_in, columns = to.weight.shape
        to.weight.copy_(torch.cat([tensor(f"{name}.w", rows_in // len(names), columns) for name in names]))
        to.bias.copy_(torch.cat([tensor(f"{name}.b", -1) for name in names]))

    def norm(to: nn.LayerNorm, name: str) -> None:
        to.weight.copy_(tensor(f"{name}.w", w))
        to.bias.copy_(tensor(f"{name}.b", w))

    with torch.no_grad():
        encoder.tokens.weight.copy_(tensor("emb.word", -1, w)[torch.tensor(rows)])
        # All tokens are of the first kind: its vector goes into the positions.
        encoder.positions.weight.copy_(tensor("emb.pos", -1, w) + tensor("emb.type", -1, w)[0])
        norm(encoder.first_norm, "emb.ln")
        for layer, n in zip(encoder.layers, layers):
            linear(layer.qkv, f"l{n}.q", f"l{n}.k", f"l{n}.v")
            linear(layer.out, f"l{n}.ao")
            norm(layer.attention_norm, f"l{n}.aln")
            linear(layer.up, f"l{n}.fi")
            linear(layer.down, f"l{n}.fo")
            norm(layer.norm, f"l{n}.oln")
    return encoder
