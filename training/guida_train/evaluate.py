"""What an encoder finds by itself, and how well its judgement tells answerable questions from others.

`python -m guida_train.evaluate NAME` measures `build/NAME.pt` over the documents that are left out of training; with
`--kb FILE --questions FILE` over any knowledge file and questions in the format of `guida eval retrieval`.
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch

from . import banking, checkpoint, data
from .model import Encoded, LateInteraction
from .paths import BUILD, VOCABULARY
from .vocabulary import Vocabulary

#: Tokens of a question and of a passage; longer ones are cut.
QUESTION_TOKENS, PASSAGE_TOKENS = 40, 112
#: Ranks that recall is counted at.
RANKS = (1, 3, 10)
#: Texts encoded in one group.
_GROUP = 64
#: Questions and passages that are compared at once: all of them would not fit into memory.
_QUESTIONS, _PASSAGES = 8, 256


@dataclass
class Trial:
    """A question and where its answers stand among the passages."""

    text: str
    answerable: bool
    #: Positions of the passages that answer it.
    relevant: list[int]
    #: Figures are taken by this.
    register: str = "all"


@dataclass
class Found:
    """What the questions of one register came to."""

    #: Rank of the first relevant passage, from 0, of each question that has one.
    ranks: list[int] = field(default_factory=list)
    #: Largest scores of questions that can be answered, and of those that cannot.
    answerable: list[float] = field(default_factory=list)
    unanswerable: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float | int]:
        out: dict[str, float | int] = {"questions": len(self.ranks)}
        for k in RANKS if self.ranks else ():
            out[f"r{k}"] = round(sum(rank < k for rank in self.ranks) / len(self.ranks), 4)
        if self.answerable and self.unanswerable:
            out["auc"] = round(auc(self.answerable, self.unanswerable), 4)
        return out


def auc(higher: list[float], lower: list[float]) -> float:
    """Probability that one of `higher` is above one of `lower`; equal ones count half."""
    a, b = torch.tensor(higher)[:, None], torch.tensor(lower)[None, :]
    return ((a > b).float() + 0.5 * (a == b).float()).mean().item()


def taken(scores: torch.Tensor, trials: list[Trial]) -> dict[str, dict[str, float | int]]:
    """Figures by register from the scores (questions, passages)."""
    found: dict[str, Found] = {}
    for row, trial in zip(scores, trials):
        one = found.setdefault(trial.register, Found())
        (one.answerable if trial.answerable else one.unanswerable).append(row.max().item())
        if trial.relevant:
            one.ranks.append(int((row > row[trial.relevant].max()).sum()))
    return {register: one.figures() for register, one in found.items()}


@torch.no_grad()
def figures(model: LateInteraction, vocabulary: Vocabulary, passages: list[str], trials: list[Trial]) -> dict[str, dict]:
    """Figures by register, for the judgement by tokens and for the cosine of whole texts."""
    model.eval()
    clauses = model.encode([vocabulary.encode(text, PASSAGE_TOKENS) for text in passages], _GROUP)
    asked = model.encode([vocabulary.encode(trial.text, QUESTION_TOKENS) for trial in trials], _GROUP)
    tokens = torch.cat([_log_odds(model, asked.part(at, at + _QUESTIONS), clauses) for at in range(0, len(trials), _QUESTIONS)])
    model.train()
    return {"tokens": taken(tokens, trials), "cosine": taken(asked.pooled @ clauses.pooled.T, trials)}


def _log_odds(model: LateInteraction, asked: Encoded, clauses: Encoded) -> torch.Tensor:
    """Those of some questions with all clauses."""
    starts = range(0, len(clauses.pooled), _PASSAGES)
    return torch.cat([model.log_odds(asked, clauses.part(at, at + _PASSAGES)) for at in starts], 1)


def left_out() -> tuple[list[str], list[Trial]]:
    """Passages and questions of the documents that are never trained on."""
    clauses = banking.left_out()
    at = {clause.key: n for n, clause in enumerate(clauses)}
    trials = []
    for question in banking.measured():
        relevant = [at[key] for key in question.relevant if key in at]
        trials.append(Trial(question.question, bool(question.relevant), relevant, question.register))
    return [clause.passage for clause in clauses], trials


def of_knowledge(db: Path, questions: Path) -> tuple[list[str], list[Trial]]:
    """Newest clauses of a knowledge file, each by its first passage, and questions from a file."""
    clauses = [clause for clause in data.clauses(db) if clause.newest]
    found = data.questions(questions, data.index(clauses))
    return [clause.passage for clause in clauses], [Trial(q.text, q.answerable, q.relevant) for q in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--kb", type=Path)
    parser.add_argument("--questions", type=Path)
    args = parser.parse_args()
    if (args.kb is None) != (args.questions is None):
        parser.error("--kb and --questions belong together")
    passages, trials = of_knowledge(args.kb, args.questions) if args.kb else left_out()
    model = checkpoint.load(BUILD / f"{args.name}.pt").model
    found = figures(model, Vocabulary(VOCABULARY), passages, trials)
    print(json.dumps({"passages": len(passages), **found}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
