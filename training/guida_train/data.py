"""Spelling, tables, and clauses out of a knowledge file.

Clauses come out of a file that `guida kb build` wrote, so that the encoder learns exactly the texts that it will encode.
"""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Characters of a clause's body per passage, as in src/text/passage.rs.
PASSAGE_CHARS = 300

_HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARK = r"\u3000-\u303f\uff00-\uff0f\uff1a-\uff20“”‘’…—"
_SPACE = re.compile(r"\s+")
_SPACE_IN_HAN = re.compile(rf"(?<=[{_HAN}{_MARK}])\s+(?=[{_HAN}{_MARK}])")
_BRACKETS = re.compile(r"[（(][^（）()]*[）)]")
_ARTICLE = re.compile(r"第[^条]+条(之[一二三四五六七八九十]+)?")

#: Positions of clauses by (title key, label).
Places = dict[tuple[str, str], list[int]]


def normalize(text: str) -> str:
    """The spelling that Guida indexes and queries: NFKC, lower-case, no space between Han characters."""
    text = _SPACE_IN_HAN.sub("", text.strip())
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).lower())


def title_key(title: str) -> str:
    """A title without its country, brackets and spaces: what two spellings of it share."""
    title = _BRACKETS.sub("", re.sub(r"\s", "", title))
    return re.sub(r"[《》〈〉]", "", title).replace("中华人民共和国", "")


def short_title(title: str) -> str:
    """The title as it stands in a passage."""
    return normalize(_BRACKETS.sub("", re.sub(r"^中华人民共和国", "", title.strip())))


def passage(title: str, heading: str, text: str) -> str:
    """What the encoder is given of a clause: short title, chapter, and the beginning of the body (src/text/passage.rs)."""
    parts = [short_title(title), normalize(heading), normalize(text)[:PASSAGE_CHARS]]
    return " ".join(part for part in parts if part)


@dataclass
class Clause:
    """One article of one version of a document."""

    version: int
    title: str
    label: str
    heading: str
    text: str
    newest: bool

    @property
    def passage(self) -> str:
        return passage(self.title, self.heading, self.text)


def clauses(db: Path) -> list[Clause]:
    """All clauses of a knowledge file, `newest` marking the last version of each document."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    newest: dict[int, tuple[str, int]] = {}
    versions = connection.execute("SELECT id, document_id, title, coalesce(effective_from, '') FROM versions").fetchall()
    for version, document, _, day in versions:
        newest[document] = max(newest.get(document, ("", -1)), (day, version))
    info = {v: (t, newest[d][1] == v) for v, d, t, _ in versions}
    found = []
    for version, label, heading, text in connection.execute("SELECT version_id, label, heading, text FROM clauses ORDER BY id"):
        title, last = info[version]
        found.append(Clause(version, title, label, heading, text, last))
    return found


def index(found: list[Clause]) -> Places:
    """Positions of the newest clauses by (title key, label)."""
    places: Places = {}
    for at, clause in enumerate(found):
        if clause.newest and clause.label:
            places.setdefault((title_key(clause.title), clause.label), []).append(at)
    return places


def place(places: Places, title: str, label: str) -> list[int]:
    """Positions of a clause; a paragraph or item stands for its article."""
    found = places.get((title_key(title), label))
    article = _ARTICLE.match(label)
    if found is None and article:
        found = places.get((title_key(title), article.group(0)))
    return found or []


def lines(path: Path) -> Iterator[dict]:
    """The objects of a file that has one a line."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


@dataclass
class Question:
    """A question with its relevant clauses as positions in a list of clauses."""

    text: str
    #: Whether the file names a clause that answers; `relevant` has those of them that the knowledge has.
    answerable: bool
    relevant: list[int]


def questions(path: Path, places: Places) -> list[Question]:
    """Questions in the line format of `guida eval retrieval --questions`."""
    found = []
    for row in lines(path):
        relevant = [at for gold in row["relevant"] for at in place(places, gold["document"], gold["clause"])]
        found.append(Question(normalize(row["question"]), bool(row["relevant"]), relevant))
    return found


def table(path: Path, columns: int) -> list[tuple[str, ...]]:
    """Rows of a tab-separated file; `#` starts a comment line."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            row = tuple(line.split("\t"))
            if len(row) == columns:
                rows.append(row)
    return rows


def thesaurus(path: Path) -> list[tuple[str, str]]:
    """(spoken, formal) pairs of Guida's thesaurus."""
    pairs = []
    for spoken, formal in table(path, 2):
        for word in re.split(r"[ ,,、;]+", formal):
            if word:
                pairs.append((normalize(spoken), normalize(word)))
    return pairs
