"""Texts with the vectors that PyTorch computes, for the test that llama.cpp computes the same (tests/bundled_encoder.rs)."""

import argparse
import json
import random

import torch

from . import data, tokens
from .model import pad
from .train import BUILD, HERE, SEED, World, load

#: How many texts, half of them passages and half questions.
TEXTS = 200
#: Largest whole number of a stored component.
LARGEST = 32767


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("out")
    args = parser.parse_args()
    model, tokenizer = load(args.name), tokens.Tokenizer(BUILD / "vocab.model")
    model.eval()
    world, rng = World(), random.Random(SEED)
    own = [c.passage for c in world.clauses[world.laws :] if c.newest]
    asked = [question for question, _ in world.lay + world.curated] + ["", "ATM吞卡了😀怎么办", "𠮷姓客户开户", "a b c 1,000.50元"]
    texts = rng.sample(own, TEXTS // 2) + asked[-4:] + rng.sample(asked[:-4], TEXTS // 2 - 4)
    with open(args.out, "w", encoding="utf-8") as out, torch.no_grad():
        for text in map(data.normalize, texts):
            vector = model(pad([tokenizer.encode(text, model.shape.positions)]))[0]
            whole = (vector / vector.abs().max() * LARGEST).round().int().tolist()
            digits = "".join(f"{number & 0xFFFF:04x}" for number in whole)
            out.write(json.dumps({"text": text, "vector": digits}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
