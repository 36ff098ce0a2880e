"""Public notices and rules of the central bank, cut into clauses, and the questions that were written over them.

The texts are not part of the repository (`pbc/` under `GUIDA_EVAL_DATA`, numbered files with a manifest of their titles); the questions
are. A question names its clause by document, label and fingerprint of the text, so that it never counts for other words than those it
was written from.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from . import cutting, data
from .paths import EVAL_DATA, OWN

#: Documents that are measured on and never trained on: drawn by a hash of the number from those about what a branch does.
LEFT_OUT = frozenset(
    "010 015 023 026 031 045 057 063 068 075 086 089 101 109 117 119 120 125 128 135 141 147 149 152 155 156 178 186 217 235 "
    "242 277 288 290 291 294".split()
)
#: Documents that are used for nothing: editions of rules that the program as a whole is measured on.
SET_ASIDE = frozenset({"188", "236"})
#: What the columns of data/left-out.tsv hold where no document answers.
NOWHERE = "-"

_NOT_WORD = re.compile(r"[\W_]")
_NUMBER_OF_NOTICE = re.compile(r"[（(](银.{1,4}|汇.{1,3}|.{1,6})〔?\[?\d{4}.*$")

#: Document, label and fingerprint of a clause.
Key = tuple[str, str, str]


@dataclass
class Clause:
    """A clause of a document; `label` as in `cutting.Piece`."""

    document: str
    title: str
    chapter: str
    label: str
    text: str

    @property
    def key(self) -> Key:
        return self.document, self.label, fingerprint(self.text)

    @property
    def passage(self) -> str:
        return data.passage(self.title, self.chapter, self.text)


def fingerprint(text: str) -> str:
    """The first eight hexadecimal digits of SHA-256 over the letters and digits of a text."""
    return hashlib.sha256(_NOT_WORD.sub("", text).encode()).hexdigest()[:8]


@cache
def documents() -> dict[str, list[Clause]]:
    """The clauses of every document, by its number."""
    folder = EVAL_DATA / "pbc"
    try:
        manifest = list(data.lines(folder / "manifest.jsonl"))
    except OSError as error:
        raise SystemExit(f"the notices are not there ({error}): set GUIDA_EVAL_DATA to the folder that has pbc/") from error
    found = {}
    for row in manifest:
        number = row["file"].removesuffix(".txt")
        title = _NUMBER_OF_NOTICE.sub("", row["title"]).strip()
        text = (folder / row["file"]).read_text(encoding="utf-8")
        found[number] = [Clause(number, p.title, p.chapter, p.label, p.text) for p in cutting.cut(text, title)]
    return found


def left_out() -> list[Clause]:
    """The clauses that are measured on."""
    return [clause for number, found in documents().items() if number in LEFT_OUT for clause in found]


def training() -> list[Clause]:
    """The clauses that are trained on."""
    unused = LEFT_OUT | SET_ASIDE
    return [clause for number, found in documents().items() if number not in unused for clause in found]


def _rows(name: str, columns: int, clauses: dict[Key, Clause]) -> Iterator[tuple[Clause, list[str]]]:
    """Rows of a table in `data/` whose clause there is, without the columns that name it."""
    for document, label, print_, *rest in data.table(OWN / name, columns):
        clause = clauses.get((document, label, print_))
        if clause is not None:
            yield clause, rest


@dataclass
class Asked:
    """What was written over one clause."""

    clause: Clause
    #: Questions that it answers.
    questions: list[str]
    #: Questions that it only seems to answer.
    near_misses: list[str]
    #: A question that it answers and one that it does not, alike but for one thing.
    pairs: list[tuple[str, str]]


def asked() -> list[list[Asked]]:
    """The clauses that have questions, document by document."""
    clauses = {clause.key: clause for clause in training()}
    found: dict[Key, Asked] = {}
    for clause, (_register, question) in _rows("banking.tsv", 5, clauses):
        found.setdefault(clause.key, Asked(clause, [], [], [])).questions.append(data.normalize(question))
    for clause, (_register, question, _lacking, _against) in _rows("near-misses.tsv", 7, clauses):
        if clause.key in found:
            found[clause.key].near_misses.append(data.normalize(question))
    for clause, (_register, question, near_miss, _lacking) in _rows("pairs.tsv", 7, clauses):
        if clause.key in found:
            found[clause.key].pairs.append((data.normalize(question), data.normalize(near_miss)))
    groups: dict[str, list[Asked]] = {}
    for key, one in found.items():
        groups.setdefault(key[0], []).append(one)
    return list(groups.values())


@dataclass
class Measured:
    """A question for measuring."""

    #: everyday, shorthand or formal.
    register: str
    question: str
    #: The clauses that answer it, none where nothing in the documents left out does.
    relevant: list[Key]


def measured() -> list[Measured]:
    """The questions over the documents that are left out."""
    found = []
    for document, label, print_, register, question, _decides, also in data.table(OWN / "left-out.tsv", 7):
        places = [] if document == NOWHERE else [(document, label, print_)]
        places += [tuple(place.split("/")) for place in also.split() if place != NOWHERE]
        found.append(Measured(register, data.normalize(question), places))
    return found
