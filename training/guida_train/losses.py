"""What is asked of the encoder.

Three things: among the passages of a batch a question finds its own, by the tokens and by the vectors of the whole texts (InfoNCE;
van den Oord, Li and Vinyals 2018); the log-odds are above zero for an answer and below for the best of the other passages; and a near
miss is judged below every question that its clause does answer, one of a pair below the other.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .batches import Batch
from .model import Encoded

#: Divisor of the cosines before the softmax.
TEMPERATURE = 0.05
#: Stands for minus infinity.
NEVER = -1e4


@dataclass(frozen=True)
class Weights:
    """How much the parts count that differ between stages."""

    near_misses: float
    unanswered: float


@dataclass
class Losses:
    """The parts of a step's loss."""

    #: Ranking by the tokens.
    ranking: torch.Tensor
    #: Ranking by the cosine of the whole texts.
    cosine: torch.Tensor
    #: Answers above zero, the best of the others below.
    judgement: torch.Tensor
    #: Near misses below the questions that their clauses answer.
    near_misses: torch.Tensor
    #: Near misses against all passages: nothing in the batch answers them.
    unanswered: torch.Tensor

    def total(self, weights: Weights) -> torch.Tensor:
        missed = weights.near_misses * self.near_misses + weights.unanswered * self.unanswered
        return self.ranking + 0.7 * self.cosine + self.judgement + missed

    def figures(self) -> dict[str, float]:
        return {name: value.item() for name, value in vars(self).items()}


def ranking(scores: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """InfoNCE over scores (questions, passages) in both directions; a passage may have several questions."""
    own = gold[None, :] == torch.arange(scores.shape[1])[:, None]
    asked = own.any(1)
    questions, own = scores.T[asked], own[asked]
    back = torch.logsumexp(questions, 1) - torch.logsumexp(questions.masked_fill(~own, NEVER), 1)
    return 0.8 * F.cross_entropy(scores, gold) + 0.2 * back.mean()


def judgement(log_odds: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of each question's own passage and of the best other one."""
    right = log_odds.gather(1, gold[:, None])[:, 0]
    wrong = log_odds.scatter(1, gold[:, None], NEVER).max(1).values
    return 0.5 * F.softplus(-right).mean() + 0.25 * F.softplus(wrong).mean()


def near_misses(batch: Batch, right: torch.Tensor, missed: torch.Tensor) -> torch.Tensor:
    """`right`: log-odds of the questions with their own passages; `missed`: those of the near misses with theirs."""
    gold = batch.gold()
    margins = []
    for score, passage, partner in zip(missed, batch.near, batch.partners):
        above = right[gold == passage] if partner is None else right[partner : partner + 1]
        margins.append(F.softplus(score - above).mean())
    return torch.stack(margins).mean() + 0.5 * F.softplus(missed).mean()


def of_batch(batch: Batch, log_odds: torch.Tensor, asked: Encoded, passages: Encoded) -> Losses:
    """The losses of a batch; `asked` and the rows of `log_odds` are its questions and then its near misses."""
    gold, count = batch.gold(), len(batch.questions)
    answered = log_odds[:count]
    cosines = asked.pooled[:count] @ passages.pooled.T / TEMPERATURE
    missed = unanswered = torch.zeros(())
    if batch.near:
        rows = log_odds[count:]
        own = rows[torch.arange(len(batch.near)), torch.tensor(batch.near)]
        right = answered.gather(1, gold[:, None])[:, 0]
        missed = near_misses(batch, right, own)
        unanswered = F.softplus(rows.max(1).values).mean()
    return Losses(ranking(answered, gold), ranking(cosines, gold), judgement(answered, gold), missed, unanswered)
