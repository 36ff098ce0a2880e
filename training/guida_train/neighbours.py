"""Clauses of other documents that share words with a clause.

Clauses of one document differ mostly in what they rule; the same matter in another rule, for another product or another party, seldom
comes into the same batch by chance. Which clauses are alike is told by the cosine of TF-IDF vectors over pairs of characters.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator

from .pairs import Document, Passage

#: Cosine of a neighbour: below the first there is only a phrase in common, above the second the clauses may say the same.
LEAST, MOST = 0.06, 0.45
#: Nearest clauses that are kept, and how many of them are drawn at a time.
KEPT, DRAWN = 8, 4
#: Pairs that more than this share of the clauses have are left out.
COMMON = 0.15
#: A clause is compared with the others by so many of its heaviest pairs.
HEAVIEST = 25


def vectors(texts: list[str]) -> list[dict[str, float]]:
    """Unit vectors by pairs of characters."""
    counts = [Counter(text[at : at + 2] for at in range(len(text) - 1)) for text in texts]
    holders = Counter(pair for count in counts for pair in count)
    found = []
    for count in counts:
        weights = {
            pair: (1 + math.log(times)) * math.log(len(texts) / holders[pair])
            for pair, times in count.items()
            if holders[pair] < COMMON * len(texts)
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        found.append({pair: weight / length for pair, weight in weights.items()})
    return found


def nearest(texts: list[str], documents: list[int]) -> list[list[int]]:
    """For each text the positions of its neighbours, nearest first; `documents` tells which document a text is of."""
    found = vectors(texts)
    holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for at, vector in enumerate(found):
        for pair, weight in vector.items():
            holders[pair].append((at, weight))
    out = []
    for at, vector in enumerate(found):
        cosines: dict[int, float] = defaultdict(float)
        for pair, weight in sorted(vector.items(), key=lambda one: -one[1])[:HEAVIEST]:
            for other, its_weight in holders[pair]:
                cosines[other] += weight * its_weight
        near = [(c, other) for other, c in cosines.items() if LEAST < c < MOST and documents[other] != documents[at]]
        out.append([other for _, other in sorted(near, reverse=True)[:KEPT]])
    return out


def walk(documents: list[Document], rng: random.Random, confused: list[list[int]] | None = None) -> Iterator[Document]:
    """Goes through all passages again and again, in another order each time, each with some of those that are `confused` with it, or else of
    its neighbours."""
    passages = [passage for document in documents for passage in document]
    owners = [number for number, document in enumerate(documents) for _ in document]
    # Found here and not in the generator: it takes a while, and the time of training has not begun.
    near = nearest([passage.body for passage in passages], owners)
    if confused is not None:
        near = [mistakes or others for mistakes, others in zip(confused, near, strict=True)]
    return _clusters(passages, near, rng)


def _clusters(passages: list[Passage], near: list[list[int]], rng: random.Random) -> Iterator[Document]:
    while True:
        groups = []
        for passage, others in zip(passages, near):
            group = [passage, *(passages[at] for at in rng.sample(others, min(DRAWN, len(others))))]
            groups.append(rng.sample(group, len(group)))
        rng.shuffle(groups)
        yield from groups
