"""Texts with the vectors that PyTorch computes, for the test that llama.cpp computes the same (tests/bundled_encoder.rs)."""

import argparse
import json
import random
from pathlib import Path

import torch

from . import checkpoint, data, pairs
from .model import LateInteraction, pad
from .paths import BUILD, VOCABULARY
from .vocabulary import Vocabulary

SEED = 20261121
#: How many texts, half of them passages and half questions.
TEXTS = 200
#: What no sample of questions is sure to have: nothing, signs of four bytes, Latin letters and numbers.
ODD = ["", "ATM吞卡了😀怎么办", "𠮷姓客户开户", "a b c 1,000.50元"]
#: Largest whole number of a stored component.
LARGEST = 32767


def sample() -> list[str]:
    """Passages of the sample rulebook, the odd ones, and questions over laws and sample rulebook."""
    rng = random.Random(SEED)
    passages = [clause.passage for clause in data.clauses(BUILD / "sample.db") if clause.newest]
    asked = [question for _, _, question in pairs.everyday() + pairs.curated()]
    texts = rng.sample(passages, TEXTS // 2) + ODD + rng.sample(asked, TEXTS // 2 - len(ODD))
    return [data.normalize(text) for text in texts]


@torch.no_grad()
def line(model: LateInteraction, vocabulary: Vocabulary, text: str) -> str:
    """A text with its vector, each component as a whole number of 16 bits in four hexadecimal digits."""
    vector = model.pooled(pad([vocabulary.encode(text, model.encoder.shape.positions)]))[0]
    whole = (vector / vector.abs().max() * LARGEST).round().int().tolist()
    return json.dumps({"text": text, "vector": "".join(f"{number & 0xFFFF:04x}" for number in whole)}, ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the checkpoint in build/")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    model, vocabulary = checkpoint.load(BUILD / f"{args.name}.pt").model.eval(), Vocabulary(VOCABULARY)
    lines = [line(model, vocabulary, text) + "\n" for text in sample()]
    args.out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
