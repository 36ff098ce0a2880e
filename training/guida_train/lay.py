"""Real questions of lay people with the articles of law that answer them (LeCoQA; not part of the repository).

Four fifths are learnt from. The questions whose number in the file, counted from 0, can be divided by five are only measured with:
`python -m guida_train.lay OUT` writes them as they are, for `guida eval retrieval --questions` and `guida_train.evaluate --questions`.
"""

import argparse
import json
from pathlib import Path

from . import data
from .paths import EVAL_DATA

#: Every such question measures.
EVERY = 5


def _rows(measured: bool) -> list[dict]:
    path = EVAL_DATA / "leco-dev.jsonl"
    try:
        rows = list(data.lines(path))
    except OSError as error:
        raise SystemExit(f"the lay questions are not there ({error}): set GUIDA_EVAL_DATA to the folder that has them") from error
    return [row for number, row in enumerate(rows) if (number % EVERY == 0) == measured]


def learnt() -> list[tuple[str, str, str]]:
    """(title, label, question), a question once for every clause that answers it."""
    return [(gold["document"], gold["clause"], row["question"]) for row in _rows(False) for gold in row["relevant"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(True)]
    args.out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
