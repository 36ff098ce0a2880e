"""The documents that are left out of training as a rulebook, and the questions over them, for `guida eval retrieval`.

`python -m guida_train.rulebook texts FOLDER` writes them as Markdown. After `guida kb build FOLDER --out FILE`, which cuts and labels
clauses by its own rules, `python -m guida_train.rulebook questions FILE OUT` writes the questions with the labels of that file.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

from . import banking, data

#: Characters of a clause's beginning that are looked for in the clauses of the knowledge file.
BEGINNING = 40
#: Length of the pieces that two texts are compared by where the beginning stands in none.
PIECE = 4
_NOT_WORD = re.compile(r"\W")


def markdown(clauses: list[banking.Clause]) -> Iterator[str]:
    """The texts of a document, one for each title in it: a notice, and the rule that it brings."""
    by_title: dict[str, list[banking.Clause]] = {}
    for clause in clauses:
        by_title.setdefault(clause.title, []).append(clause)
    for title, found in by_title.items():
        out, chapter = [f"---\ntitle: {title}\n---\n# {title}\n"], ""
        for clause in found:
            text, article = clause.text, clause.label.startswith("第")
            if article:
                if clause.chapter and clause.chapter != chapter:
                    chapter = clause.chapter
                    out.append(f"## {chapter}\n")
                text = f"{clause.label} {text.removeprefix(clause.label).lstrip()}"
            out.append(text.replace("\n", "\n\n") + "\n")
        yield "\n".join(out)


def write_texts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in sorted(banking.LEFT_OUT):
        for n, text in enumerate(markdown(banking.documents()[number])):
            (folder / f"{number}-{n}.md").write_text(text, encoding="utf-8")


def _bare(text: str) -> str:
    return _NOT_WORD.sub("", text)


def _pieces(text: str) -> set[str]:
    return {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}


class Labels:
    """The labels that a knowledge file gives to clauses."""

    def __init__(self, db: Path) -> None:
        #: By title: label and bare text of every clause.
        self.known: dict[str, list[tuple[str, str]]] = {}
        for clause in data.clauses(db):
            self.known.setdefault(clause.title, []).append((clause.label, _bare(clause.text)))

    def of(self, clause: banking.Clause) -> str:
        """The label of the clause that has this one's beginning, else of the one that shares most with it."""
        known = self.known.get(clause.title)
        if not known:
            raise SystemExit(f"《{clause.title}》 is not in the knowledge file: build it from the texts written by `rulebook texts`")
        text = _bare(clause.text.removeprefix(clause.label) if clause.label.startswith("第") else clause.text)
        beginning = text[:BEGINNING]
        for label, body in known:
            if beginning in body or body and body in text[: BEGINNING + 20]:
                return label
        pieces = _pieces(text)
        return max(known, key=lambda one: len(pieces & _pieces(one[1])))[0]


def write_questions(db: Path, out: Path) -> None:
    labels = Labels(db)
    clauses = {clause.key: clause for clause in banking.left_out()}
    lines = []
    for n, question in enumerate(banking.measured()):
        found = [clauses[key] for key in question.relevant if key in clauses]
        lines.append(
            {
                "id": f"{question.register}-{n:03d}",
                "question": question.question,
                "answer": None,
                "relevant": [{"document": clause.title, "clause": labels.of(clause)} for clause in found],
            }
        )
    out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(required=True)
    texts = kinds.add_parser("texts")
    texts.add_argument("folder", type=Path)
    texts.set_defaults(function=lambda args: write_texts(args.folder))
    questions = kinds.add_parser("questions")
    questions.add_argument("db", type=Path)
    questions.add_argument("out", type=Path)
    questions.set_defaults(function=lambda args: write_questions(args.db, args.out))
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
