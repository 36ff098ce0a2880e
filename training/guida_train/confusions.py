"""Clauses that an encoder takes for the answer by mistake: `python -m guida_train.confusions NAME` writes `build/confusions.json`.

Negatives that are drawn at random, and those that share words, soon teach nothing: what is left to learn from is what the encoder itself
still confuses (Xiong and others 2021, ANCE). For each clause on bank rules these are the clauses that come near to it, or before it, for
questions that it answers (in its own document and among its neighbours in others), and those of its own document that seem to answer its near misses.
"""

import argparse
import json
import random

import torch

from . import neighbours, pairs
from .batches import PASSAGE_TOKENS, QUESTION_TOKENS
from .model import Encoded, LateInteraction
from .paths import BUILD, CONFUSIONS, VOCABULARY
from .train import SEED, loaded
from .vocabulary import Vocabulary

#: Questions and near misses of a clause that are asked.
ASKED_EACH = 2
#: Clauses kept for each.
KEPT = 6
#: Log-odds below the right clause's, and below zero for near misses, from which on another clause is no mistake.
NEAR = 2.0
#: Questions that are compared at a time.
AT_A_TIME = 32
#: Texts in one group of the encoder.
GROUP = 64


@torch.no_grad()
def confusions(model: LateInteraction, cut: Vocabulary, documents: list[pairs.Document], rng: random.Random) -> list[list[int]]:
    """For each passage, in order, the positions of those that are taken for it, the worst first."""
    passages = [passage for document in documents for passage in document]
    owners = [number for number, document in enumerate(documents) for _ in document]
    near = neighbours.nearest([passage.body for passage in passages], owners)
    clauses = model.encode([cut.encode(passage.text, PASSAGE_TOKENS) for passage in passages], GROUP)
    found: list[dict[int, float]] = [{} for _ in passages]
    first = 0
    for document in documents:
        own = list(range(first, first + len(document)))
        first += len(document)
        asked = [(at, question, True) for at in own for question in some(passages[at].questions, rng)]
        asked += [(at, question, True) for at in own for question, _ in some(passages[at].pairs, rng)[:1]]
        for at in own:
            missed = passages[at].near_misses + [near_miss for _, near_miss in passages[at].pairs]
            asked += [(at, question, False) for question in some(missed, rng)]
        others = sorted({other for at in own for other in near[at]})
        for start in range(0, len(asked), AT_A_TIME):
            part = asked[start : start + AT_A_TIME]
            questions = model.encode([cut.encode(question, QUESTION_TOKENS) for _, question, _ in part], GROUP)
            at_hand = own + others
            odds = model.log_odds(questions, Encoded(*(column[torch.tensor(at_hand)] for column in clauses)))
            for row, (at, _, answered) in zip(odds.tolist(), part):
                bound = row[at - own[0]] - NEAR if answered else -NEAR
                candidates = at_hand if answered else own
                for score, other in zip(row, candidates):
                    neighbour = own[0] <= other <= own[-1] or other in near[at]
                    if other != at and neighbour and score > bound:
                        found[at][other] = max(found[at].get(other, 0.0), score - bound)
    return [sorted(mistakes, key=lambda other: -mistakes[other])[:KEPT] for mistakes in found]


def some(of: list, rng: random.Random) -> list:
    return rng.sample(of, min(ASKED_EACH, len(of)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the checkpoint in build/")
    args = parser.parse_args()
    cut = Vocabulary(VOCABULARY)
    model = loaded(BUILD / f"{args.name}.pt", cut).model.eval()
    documents = pairs.load().banking
    found = confusions(model, cut, documents, random.Random(SEED))
    CONFUSIONS.write_text(json.dumps(found))
    print(f"{len(found)} clauses, {sum(map(bool, found))} are confused with others, {sum(map(len, found))} mistakes")


if __name__ == "__main__":
    main()
