"""Texts and pairs to train on.

Clauses come out of a knowledge file that `guida kb build` wrote, so that the encoder learns exactly the texts that it will
encode. Pairs written by us lie in `training/data`; real questions (LeCoQA's training split) come from `GUIDA_EVAL_DATA` and are
used only where a caller asks for them, by fold.
"""

import json
import re
import sqlite3
import unicodedata
from dataclasses import dataclass
from pathlib import Path

#: Characters of a clause's body per passage, as in src/text/passage.rs.
PASSAGE_CHARS = 300

_HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARK = r"\u3000-\u303f\uff00-\uff0f\uff1a-\uff20“”‘’…—"
_SPACE = re.compile(r"\s+")
_SPACE_IN_HAN = re.compile(rf"(?<=[{_HAN}{_MARK}])\s+(?=[{_HAN}{_MARK}])")
_BRACKETS = re.compile(r"[（(][^（）()]*[）)]")


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


@dataclass
class Clause:
    """One article of one version of a document."""

    id: int
    version: int
    document: int
    title: str
    label: str
    heading: str
    text: str
    newest: bool

    @property
    def body(self) -> str:
        return normalize(self.text)

    @property
    def head(self) -> str:
        return " ".join(part for part in (short_title(self.title), normalize(self.heading)) if part)

    @property
    def passage(self) -> str:
        return f"{self.head} {self.body[:PASSAGE_CHARS]}"


def clauses(db: Path) -> list[Clause]:
    """All clauses of a knowledge file, `newest` marking the last version of each document."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    newest = {}
    versions = connection.execute("SELECT id, document_id, title, coalesce(effective_from, '') FROM versions").fetchall()
    for version, document, _, day in versions:
        newest[document] = max(newest.get(document, ("", -1)), (day, version))
    info = {v: (d, t, newest[d][1] == v) for v, d, t, _ in versions}
    found = []
    for id_, version, label, heading, text in connection.execute(
        "SELECT id, version_id, label, heading, text FROM clauses ORDER BY id"
    ):
        document, title, last = info[version]
        found.append(Clause(id_, version, document, title, label, heading, text, last))
    return found


def index(found: list[Clause]) -> dict[tuple[str, str], list[int]]:
    """Positions of the newest clauses by (title key, label)."""
    places: dict[tuple[str, str], list[int]] = {}
    for at, clause in enumerate(found):
        if clause.newest and clause.label:
            places.setdefault((title_key(clause.title), clause.label), []).append(at)
    return places


@dataclass
class Question:
    """A question with its relevant clauses as positions in the list of clauses."""

    id: str
    text: str
    answer: str | None
    relevant: list[int]


def questions(path: Path, places: dict[tuple[str, str], list[int]]) -> list[Question]:
    """Questions in the line format of `leco-dev.jsonl`; those without a clause in the knowledge are dropped."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        relevant = []
        for place in row["relevant"]:
            label = place["clause"]
            at = places.get((title_key(place["document"]), label))
            if at is None:
                # A paragraph or item stands for its article.
                short = re.match(r"第[^条]+条(之[一二三四五六七八九十]+)?", label)
                at = places.get((title_key(place["document"]), short.group(0))) if short else None
            relevant.extend(at or [])
        if relevant:
            found.append(Question(str(row["id"]), normalize(row["question"]), row.get("answer"), relevant))
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
