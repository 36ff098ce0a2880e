"""Batches: clauses, questions that they answer, near misses.

A batch is made of clusters: a few clauses that are each other's negatives, of one document or alike in words (neighbours.py).
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from . import neighbours
from .pairs import Document, Passage, Sources, noisy
from .paths import CONFUSIONS
from .vocabulary import Vocabulary

#: Tokens of a question and of a passage in training; longer ones are cut.
QUESTION_TOKENS, PASSAGE_TOKENS = 30, 100
#: Clauses of one batch, and questions of each at most.
CLAUSES, QUESTIONS_EACH = 56, 3
#: Clauses of one document that come together: each other's negatives.
TOGETHER = 7
#: Pairs of each kind in one batch.
PARAPHRASES = THESAURUS = 8


T = TypeVar("T")


@dataclass(frozen=True)
class Mix:
    """What batches are made of."""

    #: Share of the clusters by where they come from: a field of `Sources` or `NEIGHBOURS`.
    shares: dict[str, float]
    #: Near misses of a clause at most, beside those of pairs.
    near_misses: int
    #: Pairs of a question and a near miss that differ in one thing, of a clause at most.
    pairs: int = 0


#: Clauses on bank rules, each with its neighbours in other documents.
NEIGHBOURS = "neighbours"
#: The same with those that the encoder of the stage before confuses with it (confusions.py), or else its neighbours.
CONFUSED = "confused"


@dataclass
class Batch:
    """Rows of tokens, and which question belongs to which passage."""

    passages: list[list[int]] = field(default_factory=list)
    questions: list[list[int]] = field(default_factory=list)
    #: For each question the passage that answers it.
    answers: list[int] = field(default_factory=list)
    near_misses: list[list[int]] = field(default_factory=list)
    #: For each near miss the passage that only seems to answer it.
    near: list[int] = field(default_factory=list)
    #: For each near miss the question that it is a pair with, if it is one of a pair.
    partners: list[int | None] = field(default_factory=list)

    def gold(self) -> torch.Tensor:
        return torch.tensor(self.answers, dtype=torch.long)


def walk(documents: list[Document], rng: random.Random) -> Iterator[Document]:
    """Goes through all passages again and again, some of one document at a time, in another order each time."""
    while True:
        groups = []
        for document in documents:
            shuffled = rng.sample(document, len(document))
            groups += [shuffled[start : start + TOGETHER] for start in range(0, len(shuffled), TOGETHER)]
        rng.shuffle(groups)
        yield from groups


class Batches:
    """Draws batches of the given size without end."""

    def __init__(self, sources: Sources, mix: Mix, vocabulary: Vocabulary, seed: int, clauses: int = CLAUSES) -> None:
        self.sources = sources
        self.mix = mix
        self.vocabulary = vocabulary
        self.rng = random.Random(seed)
        self.clauses = clauses
        self.clusters = {name: self._clusters(name) for name in mix.shares}

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self._batch()

    def _clusters(self, name: str) -> Iterator[Document]:
        documents = self.sources.banking if name in (NEIGHBOURS, CONFUSED) else getattr(self.sources, name)
        if not any(documents):
            raise ValueError(f"there is nothing to draw for {name}")
        if name == CONFUSED:
            return neighbours.walk(documents, self.rng, json.loads(CONFUSIONS.read_text()))
        return (neighbours.walk if name == NEIGHBOURS else walk)(documents, self.rng)

    def _batch(self) -> Batch:
        batch, seen = Batch(), set()
        while len(batch.passages) < self.clauses:
            (name,) = self.rng.choices(list(self.mix.shares), list(self.mix.shares.values()))
            for passage in next(self.clusters[name])[: self.clauses - len(batch.passages)]:
                self._add(batch, seen, passage)
        for pairs, count in ((self.sources.paraphrases, PARAPHRASES), (self.sources.thesaurus, THESAURUS)):
            for spoken, formal in self.rng.sample(pairs, min(count, len(pairs))):
                self._add(batch, seen, Passage(formal, [spoken]))
        return batch

    def _add(self, batch: Batch, seen: set[str], passage: Passage) -> None:
        """A passage with some of its questions, unless the same text is there already: it would be its own negative."""
        if passage.text in seen:
            return
        seen.add(passage.text)
        at = len(batch.passages)
        batch.passages.append(self.vocabulary.encode(passage.text, PASSAGE_TOKENS))
        pairs = self._some(passage.pairs, self.mix.pairs)
        for question in self._some(passage.questions, QUESTIONS_EACH - len(pairs)):
            self._answered(batch, question, at)
        for question in self._some(passage.near_misses, self.mix.near_misses):
            self._missed(batch, question, at, None)
        for question, near_miss in pairs:
            self._answered(batch, question, at)
            self._missed(batch, near_miss, at, len(batch.questions) - 1)

    def _answered(self, batch: Batch, question: str, at: int) -> None:
        batch.questions.append(self._question(question))
        batch.answers.append(at)

    def _missed(self, batch: Batch, question: str, at: int, partner: int | None) -> None:
        batch.near_misses.append(self._question(question))
        batch.near.append(at)
        batch.partners.append(partner)

    def _some(self, of: list[T], count: int) -> list[T]:
        return self.rng.sample(of, min(count, len(of)))

    def _question(self, text: str) -> list[int]:
        return self.vocabulary.encode(noisy(text, self.rng), QUESTION_TOKENS)
