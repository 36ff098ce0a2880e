"""Batches of (query, passage) pairs from all sources, with misspellings, random segmentation and hard negatives."""

import multiprocessing
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .data import Clause, PASSAGE_CHARS
from .tokens import Tokenizer

QUERY_TOKENS = 64
PASSAGE_TOKENS = 112

_SENTENCE = re.compile(r"[^。;;!?!?\n]+[。;;!?!?\n]?")
_OPENINGS = ["请问", "那个", "你好,", "麻烦问下", "我想问一下", "想咨询下,", "就是", "哎,"]
_ENDINGS = ["啊", "呢", "吧", "呀", "吗", "哈", "怎么办", "?", "谢谢", "咋整", ",怎么弄"]


@dataclass
class Pair:
    """A query, its passage and what else in a batch must not count as a negative for it."""

    query: str
    passage: str
    #: Clauses that the passage stands for; two pairs that share one are no negatives of each other.
    keys: frozenset = frozenset()
    #: Positions of clauses that look right and are not.
    hard: list[int] = field(default_factory=list)


def misspell(text: str, rng: random.Random, alphabet: str) -> str:
    """One slip of the fingers: a character dropped, doubled, exchanged with its neighbour or replaced."""
    if len(text) < 4:
        return text
    at = rng.randrange(len(text) - 1)
    return rng.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + rng.choice(alphabet) + text[at + 1 :],
        ]
    )


class Sampler:
    """Draws pairs by source and weight."""

    def __init__(self, clauses: list[Clause], tokenizer: Tokenizer, seed: int) -> None:
        self.clauses = clauses
        self.tokenizer = tokenizer
        self.rng = random.Random(seed)
        self.sources: list[tuple[float, object]] = []
        # Characters in the frequency of running text, for replacements.
        self.alphabet = "".join(self.rng.choice(clauses).body[:40] for _ in range(200))
        self.long = [at for at, c in enumerate(clauses) if len(c.body) >= 24]
        self.newest = [at for at, c in enumerate(clauses) if c.newest and len(c.body) >= 16]
        self.by_text: dict[str, int] = {}
        self.same = [self.by_text.setdefault(c.body, at) for at, c in enumerate(clauses)]

    def add(self, weight: float, draw) -> None:
        """A source: a function that returns a pair; without weight it is left out."""
        if weight > 0:
            self.sources.append((weight, draw))

    def key(self, at: int) -> frozenset:
        return frozenset((self.same[at],))

    def inverse_cloze(self) -> Pair:
        """A span of an article against the rest of it (Lee, Chang and Toutanova, ACL 2019)."""
        at = self.rng.choice(self.long)
        clause = self.clauses[at]
        sentences = _SENTENCE.findall(clause.body[: PASSAGE_CHARS * 2])
        if len(sentences) > 1 and self.rng.random() < 0.6:
            drawn = self.rng.randrange(len(sentences))
            span = sentences[drawn]
            if len(span) > 60:
                start = self.rng.randrange(len(span) - 40)
                span = span[start : start + self.rng.randint(12, 40)]
            rest = "".join(sentences[:drawn] + sentences[drawn + 1 :])
        else:
            length = min(self.rng.randint(6, 30), len(clause.body) // 2)
            start = self.rng.randrange(len(clause.body) - length)
            span = clause.body[start : start + length]
            rest = clause.body[:start] + clause.body[start + length :]
        # Sometimes the span stays: words in common are evidence too.
        if self.rng.random() < 0.25:
            rest = clause.body
        head = clause.head + " " if self.rng.random() < 0.7 else ""
        return Pair(span, head + rest[:PASSAGE_CHARS], self.key(at))

    def of_title(self) -> Pair:
        """Title and chapter against an article of theirs."""
        at = self.rng.choice(self.newest)
        clause = self.clauses[at]
        return Pair(clause.head, clause.body[:PASSAGE_CHARS], frozenset((clause.head,)))

    def of_neighbour(self) -> Pair:
        """An article against the next one of its section: what is decided together stands together."""
        while True:
            at = self.rng.randrange(len(self.clauses) - 1)
            one, other = self.clauses[at], self.clauses[at + 1]
            if one.version == other.version and one.heading == other.heading and one.heading and len(one.body) > 12:
                return Pair(one.body[:80], other.body[:PASSAGE_CHARS], self.key(at) | self.key(at + 1))

    def texts(self, pairs: list[tuple[str, str]], swap: float = 0.0):
        """A source of pairs of plain texts; those that share a side are no negatives of each other."""
        def draw() -> Pair:
            a, b = self.rng.choice(pairs)
            if self.rng.random() < swap:
                a, b = b, a
            return Pair(a, b, frozenset((a, b)))
        return draw

    def asked(self, questions: list[tuple[str, list[int]]], hard: dict[str, list[int]] | None = None):
        """A source of questions with the positions of the clauses that answer them."""
        def draw() -> Pair:
            text, relevant = self.rng.choice(questions)
            at = self.rng.choice(relevant)
            keys = frozenset(self.same[r] for r in relevant)
            negatives = []
            if hard and text in hard:
                pool = [n for n in hard[text] if self.same[n] not in keys]
                negatives = self.rng.sample(pool, min(1, len(pool)))
            clause = self.clauses[at]
            passage = clause.passage if self.rng.random() < 0.9 else clause.body[:PASSAGE_CHARS]
            return Pair(text, passage, keys, negatives)
        return draw

    def noisy(self, query: str) -> str:
        """A query as fingers and mouths produce it, now and then."""
        draw = self.rng.random()
        if draw < 0.10:
            query = misspell(query, self.rng, self.alphabet)
        elif draw < 0.16:
            query = self.rng.choice(_OPENINGS) + query
        elif draw < 0.22:
            query = query.rstrip("??。") + self.rng.choice(_ENDINGS)
        return query

    def batch(self, size: int) -> tuple[list[list[int]], list[list[int]], list[tuple[int, int]]]:
        """Tokens of queries, of passages (one per query, then the hard negatives), and which (query, passage) to leave out."""
        weights = [w for w, _ in self.sources]
        draws = self.rng.choices([d for _, d in self.sources], weights, k=size)
        pairs = [draw() for draw in draws]
        keys = [p.keys for p in pairs]
        passages = [p.passage for p in pairs]
        for pair in pairs:
            for at in pair.hard:
                passages.append(self.clauses[at].passage)
                keys.append(self.key(at))
        queries = [self.encode(self.noisy(p.query), QUERY_TOKENS, 0.5) for p in pairs]
        documents = [self.encode(text, PASSAGE_TOKENS, 0.2) for text in passages]
        holders: dict[object, list[int]] = {}
        for column, own in enumerate(keys):
            for key in own:
                holders.setdefault(key, []).append(column)
        ignore = [
            (row, column) for row, pair in enumerate(pairs) for key in pair.keys for column in holders[key] if column != row
        ]
        return queries, documents, ignore

    def encode(self, text: str, limit: int, sampled: float) -> list[int]:
        if self.rng.random() < sampled:
            return self.tokenizer.sample(text[: limit * 3], limit)
        return self.tokenizer.encode(text[: limit * 6], limit)

    def batches(self, size: int) -> Iterator[tuple[list[list[int]], list[list[int]], list[tuple[int, int]]]]:
        """Batches without end, drawn by a process of its own while the last one is computed on."""
        queue = multiprocessing.get_context("fork").Queue(maxsize=6)

        def draw() -> None:
            while True:
                queue.put(self.batch(size))

        process = multiprocessing.get_context("fork").Process(target=draw, daemon=True)
        process.start()
        try:
            while True:
                yield queue.get()
        finally:
            process.terminate()
