"""What is learnt from: questions by the clause that answers them, pairs of texts that mean the same, and slips of the fingers."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from . import banking, data, lay
from .paths import ASSETS, BUILD, OWN

_OPENINGS = ["请问", "那个", "你好,", "麻烦问下", "我想问一下", "想咨询下,", "就是", "哎,"]
_ENDINGS = ["啊", "呢", "吧", "呀", "吗", "哈", "怎么办", "?", "谢谢", "咋整", ",怎么弄"]
#: Frequent characters, for those that a finger hits by mistake.
_ALPHABET = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
)
#: Shares of questions with a slip, with an opening, with an ending.
_SLIP, _OPENING, _ENDING = 0.08, 0.04, 0.05


@dataclass
class Passage:
    """A clause as the encoder is given it, and what people ask for."""

    text: str
    #: Questions that it answers.
    questions: list[str] = field(default_factory=list)
    #: Questions that it only seems to answer.
    near_misses: list[str] = field(default_factory=list)
    #: One of each, alike but for one thing.
    pairs: list[tuple[str, str]] = field(default_factory=list)
    #: The clause without title and chapter; empty where the text is no clause.
    body: str = ""


#: Passages of one document: clauses of one document are each other's hardest negatives.
Document = list[Passage]


@dataclass
class Sources:
    """All that is learnt from. No question that is measured with is among it."""

    #: Public notices and rules of the central bank.
    banking: list[Document]
    #: National laws, regulations and interpretations.
    laws: list[Document]
    #: Laws again, with real questions of lay people.
    lay: list[Document]
    #: The sample rulebook.
    sample: list[Document]
    #: What is said at the counter, and how a rule puts it.
    paraphrases: list[tuple[str, str]]
    #: Spoken and formal words.
    thesaurus: list[tuple[str, str]]

    def counts(self) -> dict[str, int]:
        """Numbers of what there is, for the log."""
        documents = {"banking": self.banking, "laws": self.laws, "lay": self.lay, "sample": self.sample}
        passages = [p for d in self.banking for p in d]
        return {
            **{f"{name} clauses": sum(map(len, found)) for name, found in documents.items()},
            **{f"{name} questions": sum(len(p.questions) for d in found for p in d) for name, found in documents.items()},
            "near misses": sum(len(p.near_misses) for p in passages),
            "pairs": sum(len(p.pairs) for p in passages),
            "paraphrases": len(self.paraphrases),
            "thesaurus": len(self.thesaurus),
        }


def load() -> Sources:
    """Everything, from the repository, from `GUIDA_EVAL_DATA` and from the knowledge files in the build folder."""
    return Sources(
        banking=_of_banking(),
        laws=_of_knowledge(BUILD / "laws.db", everyday()),
        lay=_of_knowledge(BUILD / "laws.db", lay.learnt()),
        sample=_of_knowledge(BUILD / "sample.db", curated()),
        paraphrases=[(data.normalize(a), data.normalize(b)) for a, b in data.table(OWN / "paraphrases.tsv", 2)],
        thesaurus=data.thesaurus(ASSETS / "thesaurus.tsv"),
    )


def _of_banking() -> list[Document]:
    return [
        [Passage(a.clause.passage, a.questions, a.near_misses, a.pairs, data.normalize(a.clause.text)) for a in group]
        for group in banking.asked()
    ]


def everyday() -> list[tuple[str, str, str]]:
    rows = data.table(ASSETS / "everyday.tsv", 4)
    return [(title, label, question) for title, label, _fingerprint, question in rows]


def curated() -> list[tuple[str, str, str]]:
    """The curated questions of the sample rulebook, each with the first clause that answers it."""
    found = []
    for path in sorted((ASSETS / "knowledge").glob("*.curated.jsonl")):
        for row in data.lines(path):
            for gold in row["relevant"][:1]:
                found.append((gold["document"], gold["clause"], row["question"]))
    return found


def _of_knowledge(db: Path, asked: list[tuple[str, str, str]]) -> list[Document]:
    """Passages of a knowledge file with the questions over them, given as (title, label, question)."""
    clauses = data.clauses(db)
    places = data.index(clauses)
    passages: dict[int, Passage] = {}
    for title, label, question in asked:
        for at in data.place(places, title, label)[:1]:
            passages.setdefault(at, _unasked(clauses[at])).questions.append(data.normalize(question))
    documents: dict[int, Document] = {}
    for at, passage in passages.items():
        documents.setdefault(clauses[at].version, []).append(passage)
    return list(documents.values())


def _unasked(clause: data.Clause) -> Passage:
    return Passage(clause.passage, body=data.normalize(clause.text))


def misspell(text: str, rng: random.Random) -> str:
    """One slip of the fingers: a character dropped, doubled, exchanged with its neighbour or replaced."""
    if len(text) < 4:
        return text
    at = rng.randrange(len(text) - 1)
    return rng.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + rng.choice(_ALPHABET) + text[at + 1 :],
        ]
    )


def noisy(question: str, rng: random.Random) -> str:
    """A question as fingers and mouths produce it, now and then."""
    draw = rng.random()
    if draw < _SLIP:
        return misspell(question, rng)
    if draw < _SLIP + _OPENING:
        return rng.choice(_OPENINGS) + question
    if draw < _SLIP + _OPENING + _ENDING:
        return question.rstrip("?。") + rng.choice(_ENDINGS)
    return question
