"""The stages of training; `python -m guida_train.train STAGE` (see the Makefile for their order)."""

import argparse
import json
import math
import os
import random
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from . import data, evaluate, tokens
from .model import Encoder, Shape, by_length, encode
from .pairs import PASSAGE_TOKENS, Sampler

HERE = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("GUIDA_TRAIN_BUILD", HERE / "build"))
EVAL_DATA = Path(os.environ.get("GUIDA_EVAL_DATA", HERE.parent.parent / "shared" / "data"))
SEED = 20261121
#: Divisor of the cosines before the softmax.
TEMPERATURE = 0.05
#: Folds of the cross-validation; question n of the file belongs to fold n modulo this, as in `guida eval cv`.
FOLDS = 5


class World:
    """Everything that is trained on, loaded once."""

    def __init__(self) -> None:
        laws = data.clauses(BUILD / "laws.db")
        sample = data.clauses(BUILD / "sample.db")
        self.laws = len(laws)
        self.clauses = laws + sample
        self.places = data.index(self.clauses)
        self.lay = self.load_lay()
        self.paraphrases = [
            (data.normalize(a), data.normalize(b)) for a, b in data.table(HERE / "data" / "paraphrases.tsv", 2)
        ]
        self.thesaurus = data.thesaurus(HERE.parent / "assets" / "thesaurus.tsv")
        self.curated: list[tuple[str, list[int]]] = []
        for path in sorted((HERE.parent / "assets" / "knowledge").glob("*.curated.jsonl")):
            self.curated += [(q.text, q.relevant) for q in data.questions(path, self.places)]

    def load_lay(self) -> list[tuple[str, list[int]]]:
        """Our own questions over the laws: (question, clauses)."""
        found = []
        for title, label, _, question in data.table(HERE.parent / "assets" / "everyday.tsv", 4):
            at = self.places.get((data.title_key(title), label))
            if at:
                found.append((data.normalize(question), at))
        return found

    def dev(self) -> list[data.Question]:
        return data.questions(EVAL_DATA / "leco-dev.jsonl", self.places)


def log(stage: str, **figures: object) -> None:
    """One line of the training log, on the screen and in `build/log.jsonl`."""
    row = {"stage": stage, **{k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}}
    print(json.dumps(row, ensure_ascii=False), flush=True)
    with open(BUILD / "log.jsonl", "a", encoding="utf-8") as out:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


def contrastive(queries, documents, ignore) -> torch.Tensor:
    """InfoNCE in both directions over the batch (van den Oord, Li and Vinyals 2018)."""
    scores = queries @ documents.T / TEMPERATURE
    if ignore:
        rows, columns = torch.tensor(ignore).T
        left_out = torch.zeros(scores.shape, dtype=torch.bool)
        left_out[rows, columns] = True
        scores = scores.masked_fill(left_out, -1e4)
    target = torch.arange(len(queries))
    return 0.7 * F.cross_entropy(scores, target) + 0.3 * F.cross_entropy(scores[:, : len(queries)].T, target)


def run(stage: str, model: Encoder, sampler: Sampler, *, steps: int, size: int, rate: float, token_rate: float,
        layers: bool) -> None:
    """Trains for `steps` steps of `size` pairs."""
    embedding = [model.tokens.weight, model.positions.weight]
    rest = [p for n, p in model.named_parameters() if n not in ("tokens.weight", "positions.weight")]
    optimizer = torch.optim.AdamW(
        [{"params": embedding, "lr": token_rate, "weight_decay": 0.0}, {"params": rest, "lr": rate, "weight_decay": 0.01}],
        betas=(0.9, 0.98), fused=True,
    )
    base = [group["lr"] for group in optimizer.param_groups]
    batches = sampler.batches(size)
    started, mean = time.time(), None
    for step in range(1, steps + 1):
        progress = (step - 1) / steps
        scale = min(1.0, progress / 0.04 + 0.02) * (0.5 + 0.5 * math.cos(math.pi * progress) * 0.98)
        for group, lr in zip(optimizer.param_groups, base):
            group["lr"] = lr * scale
        queries, documents, ignore = next(batches)
        # Short texts at random positions train the whole table of positions.
        spare = model.shape.positions - PASSAGE_TOKENS
        offset = random.randrange(spare) if layers and random.random() < 0.15 else 0
        with torch.autocast("cpu", torch.bfloat16, enabled=layers):
            if layers:
                pair = by_length(model, queries, 64, 0), by_length(model, documents, 64, offset)
            else:
                pair = model.static(queries), model.static(documents)
            loss = contrastive(*pair, ignore)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0 or step == steps:
            log(stage, step=step, loss=mean, seconds=time.time() - started)
    batches.close()


def own_sources(sampler: Sampler, world: World, lay: float, hard=None) -> None:
    """Laws, rules and what we wrote ourselves: no question of the measured sets is among them."""
    sampler.add(0.30, sampler.inverse_cloze)
    sampler.add(0.05, sampler.of_title)
    sampler.add(0.04, sampler.of_neighbour)
    sampler.add(0.04, sampler.texts(world.thesaurus, swap=0.3))
    sampler.add(0.07 if world.paraphrases else 0, sampler.texts(world.paraphrases, swap=0.1))
    sampler.add(0.06, sampler.asked(world.curated, hard))
    sampler.add(lay if world.lay else 0, sampler.asked(world.lay, hard))


def load(name: str) -> Encoder:
    saved = torch.load(BUILD / f"{name}.pt", weights_only=True)
    model = Encoder(Shape(**saved["shape"]))
    model.load_state_dict(saved["weights"])
    return model


def save(model: Encoder, name: str) -> None:
    torch.save({"shape": model.shape.as_dict(), "weights": model.state_dict()}, BUILD / f"{name}.pt")


def stage_vocab(args) -> None:
    """Learns the vocabulary from clauses and from our own questions and pairs."""
    world = World()
    lines = [c.passage for c in world.clauses if c.newest]
    spoken = [q for q, _ in world.lay + world.curated] + [t for pair in world.paraphrases for t in pair]
    lines += spoken * 3 + [t for pair in world.thesaurus for t in pair] * 2
    tokens.train(lines, BUILD / "vocab", args.pieces)
    log("vocab", pieces=args.pieces, lines=len(lines))


def stage_static(args) -> None:
    """Token vectors alone: thousands of pairs a second, and half of what the finished encoder knows."""
    world, tokenizer = World(), tokens.Tokenizer(BUILD / "vocab.model")
    counts = torch.ones(tokenizer.size)
    for clause in random.Random(SEED).sample(world.clauses, 20000):
        for token in tokenizer.encode(clause.passage, 256):
            counts[token] += 1
    model = Encoder(Shape(tokenizer.size, args.width, 0))
    model.start_static(counts / counts.sum())
    sampler = Sampler(world.clauses, tokenizer, SEED)
    own_sources(sampler, world, lay=0.38)
    run("static", model, sampler, steps=args.steps, size=args.size, rate=args.rate, token_rate=args.token_rate, layers=False)
    save(model, "static")
    evaluate.report(log, "static", model, tokenizer, world)


def grown(static: Encoder, layers: int) -> Encoder:
    """An encoder with layers that computes, to begin with, what the static vectors compute."""
    shape = static.shape
    model = Encoder(Shape(shape.vocabulary, shape.width, layers, shape.width // 64, 4 * shape.width))
    with torch.no_grad():
        model.tokens.weight.copy_(static.tokens.weight)
        # The embeddings of the norm are of length sqrt(width); the layers should see them at that scale.
        last = model.last_norm()
        last.weight.copy_(static.first_norm.weight)
        last.bias.copy_(static.first_norm.bias)
    return model


def mine(model: Encoder, tokenizer, world: World, asked: list[tuple[str, list[int]]], depth: int = 40) -> dict[str, list[int]]:
    """For each question the clauses next to it that are not its answer, without the very nearest, which may be answers too."""
    at = [n for n, c in enumerate(world.clauses) if c.newest]
    passages = encode(model, [tokenizer.encode(world.clauses[n].passage, PASSAGE_TOKENS) for n in at])
    hard = {}
    for start in range(0, len(asked), 512):
        group = asked[start : start + 512]
        vectors = encode(model, [tokenizer.encode(q, 64) for q, _ in group])
        for (text, relevant), row in zip(group, (vectors @ passages.T).topk(depth, dim=1).indices.tolist()):
            hard[text] = [at[n] for n in row[2:] if at[n] not in relevant]
    return hard


def stage_tune(args) -> None:
    """Fine-tuning on the real questions of all folds but one (`--fold all`: on all), with hard negatives from the model before."""
    world, tokenizer = World(), tokens.Tokenizer(BUILD / "vocab.model")
    dev = world.dev()
    folds = range(FOLDS) if args.fold == "each" else [None if args.fold == "all" else int(args.fold)]
    for fold in folds:
        model = load("static")
        seen = [q for n, q in evaluate.numbered(dev) if fold is None or n % FOLDS != fold]
        asked = [(q.text, q.relevant) for q in seen]
        answers = [(q.text, data.normalize(q.answer)[: data.PASSAGE_CHARS]) for q in seen if q.answer]
        explained = [(data.normalize(q.answer)[:120], q.relevant) for q in seen if q.answer]
        hard = mine(model, tokenizer, world, asked + world.lay + world.curated)
        sampler = Sampler(world.clauses, tokenizer, SEED + 2)
        sampler.add(args.real, sampler.asked(asked, hard))
        sampler.add(0.08, sampler.texts(answers))
        sampler.add(0.08, sampler.asked(explained))
        own_sources(sampler, world, lay=args.lay, hard=hard)
        name = "final" if fold is None else f"fold-{fold}"
        run(name, model, sampler, steps=args.steps, size=args.size, rate=args.rate, token_rate=args.token_rate, layers=False)
        if args.layers:
            model = grown(model, args.layers)
        if args.layered_steps:
            run(f"{name}-layers", model, sampler, steps=args.layered_steps, size=256, rate=2e-4, token_rate=1e-4, layers=True)
        save(model, name)
        if fold is not None:
            evaluate.report(log, name, model, tokenizer, world, fold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    stages = parser.add_subparsers(required=True)

    def stage(name: str, function, **options) -> None:
        command = stages.add_parser(name, help=function.__doc__)
        command.set_defaults(function=function)
        for option, default in options.items():
            kind = type(default) if default is not None else float
            command.add_argument(f"--{option.replace('_', '-')}", type=kind, default=default)

    stage("vocab", stage_vocab, pieces=24000)
    stage("static", stage_static, steps=2000, size=1024, width=384, rate=3e-3, token_rate=7.5e-3)
    stage("tune", stage_tune, fold="each", steps=500, size=1024, rate=1e-3, token_rate=3e-3, real=0.3, lay=0.4, layers=1, layered_steps=0)
    args = parser.parse_args()
    random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(int(os.environ.get("GUIDA_TRAIN_THREADS", os.cpu_count() or 1)))
    args.function(args)


if __name__ == "__main__":
    main()
