"""Recall of the encoder alone: every newest clause by its first passage, exact search."""

import math

import torch

from .model import Encoder, encode
from .pairs import PASSAGE_TOKENS


def numbered(questions):
    """Questions with their number in the file: the fold of question n is n modulo the number of folds."""
    return list(enumerate(questions))


def figures(scores: torch.Tensor, at: list[int], relevant: list[list[int]], depth: int = 100) -> dict[str, float]:
    """Means over questions; recall of a question with several relevant clauses is the mean over them."""
    place = {clause: n for n, clause in enumerate(at)}
    sums = {"r1": 0.0, "r10": 0.0, "r100": 0.0, "mrr": 0.0, "ndcg10": 0.0}
    top = scores.topk(depth, dim=1).indices.tolist()
    for row, gold in zip(top, relevant):
        wanted = {place[g] for g in gold if g in place}
        ranks = sorted(row.index(g) for g in wanted if g in row)
        for k in (1, 10, 100):
            sums[f"r{k}"] += sum(r < k for r in ranks) / len(wanted)
        sums["mrr"] += 1 / (ranks[0] + 1) if ranks else 0.0
        ideal = sum(1 / math.log2(n + 2) for n in range(min(10, len(wanted))))
        sums["ndcg10"] += sum(1 / math.log2(r + 2) for r in ranks if r < 10) / ideal
    return {key: value / len(relevant) for key, value in sums.items()}


def report(log, name: str, model: Encoder, tokenizer, world, fold: int | None = None) -> None:
    """Logs the figures on the real questions, or on those of one fold."""
    dev = [q for n, q in numbered(world.dev()) if fold is None or n % 5 == fold]
    at = [n for n, c in enumerate(world.clauses[: world.laws]) if c.newest]
    passages = encode(model, [tokenizer.encode(world.clauses[n].passage, PASSAGE_TOKENS) for n in at])
    queries = encode(model, [tokenizer.encode(q.text, 64) for q in dev])
    log(f"{name} alone", questions=len(dev), clauses=len(at), **figures(queries @ passages.T, at, [q.relevant for q in dev]))
