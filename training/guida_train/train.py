"""The stages of training: `python -m guida_train.train vocab`, then `tune`, `refine` and `sharpen`."""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from . import checkpoint, e5, evaluate, losses, pairs, vocabulary
from .batches import CLAUSES, CONFUSED, NEIGHBOURS, Batch, Batches, Mix
from .checkpoint import Checkpoint
from .losses import Weights
from .model import LateInteraction, from_e5
from .paths import BUILD, CONFUSIONS, VOCABULARY
from .vocabulary import Vocabulary

SEED = 7
#: Layers of e5 that stay: the first ones, which read words, and the last ones, which make a sentence of them.
LAYERS = "0,1,2,9,10,11"
#: Learning rates of the layers, the token and position tables, projection and gate, and the head with its three numbers.
RATE, TABLE_RATE, NEW_RATE, HEAD_RATE = 1.2e-4, 2.4e-4, 1e-3, 2e-2
#: Share of the rates that is left at the end.
FLOOR = 0.03
#: Texts in one group of the encoder.
QUESTION_GROUP, PASSAGE_GROUP = 64, 32
#: Steps between two lines of the log, and weight of a step in its running means.
LOG_EVERY, FRESH = 10, 0.05


@dataclass(frozen=True)
class Stage:
    """What sets a stage of training apart."""

    mix: Mix
    weights: Weights
    #: Factor of the learning rates.
    rate: float
    #: Steps until the rates are reached, and share of them at the first step.
    warm_up: int
    first: float
    #: Whether checkpoints on the way are measured, which takes some of the time; the last one always is.
    measured: bool


TUNE = Stage(
    mix=Mix({"banking": 0.66, "laws": 0.20, "sample": 0.14}, near_misses=1),
    weights=Weights(near_misses=1.0, unanswered=0.15),
    rate=1.0,
    warm_up=25,
    first=0.02,
    measured=True,
)
REFINE = Stage(
    mix=Mix({NEIGHBOURS: 0.36, "banking": 0.26, "laws": 0.14, "lay": 0.16, "sample": 0.08}, near_misses=1, pairs=1),
    weights=Weights(near_misses=1.2, unanswered=0.25),
    rate=0.6,
    warm_up=15,
    first=0.05,
    measured=False,
)

SHARPEN = replace(
    REFINE,
    mix=Mix({CONFUSED: 0.50, "banking": 0.14, "laws": 0.13, "lay": 0.15, "sample": 0.08}, near_misses=1, pairs=1),
    weights=Weights(near_misses=1.2, unanswered=0.4),
)


def log(stage: str, **figures: object) -> None:
    """One line of the training log, on the screen and in `build/log.jsonl`."""
    row = {"stage": stage, **{k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}}
    line = json.dumps(row, ensure_ascii=False)
    print(line, flush=True)
    with open(BUILD / "log.jsonl", "a", encoding="utf-8") as out:
        out.write(line + "\n")


@dataclass
class Budget:
    """What a stage may use; the first of the two that is reached ends it."""

    minutes: float | None
    steps: int | None

    def used(self, step: int, seconds: float) -> float:
        """Share from 0 to 1 and beyond."""
        shares = [seconds / 60 / self.minutes] if self.minutes else []
        shares += [step / self.steps] if self.steps else []
        return max(shares)


def optimizer_of(model: LateInteraction) -> torch.optim.AdamW:
    """AdamW with a rate for each kind of weights: what is new learns faster than what e5 brings along."""
    layers, tables, new, head = [], [], [], []
    for name, weight in model.named_parameters():
        if name.startswith("encoder.layers."):
            layers.append(weight)
        elif name.startswith("encoder."):
            tables.append(weight)
        elif name.startswith(("projection.", "gate.")):
            new.append(weight)
        else:
            head.append(weight)
    groups = [
        {"params": layers, "lr": RATE, "weight_decay": 0.01},
        {"params": tables, "lr": TABLE_RATE, "weight_decay": 0.0},
        {"params": new, "lr": NEW_RATE, "weight_decay": 0.0},
        {"params": head, "lr": HEAD_RATE, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


class Run:
    """A stage under way: a model, its optimiser and how far they have come."""

    def __init__(self, name: str, stage: Stage, begun: Checkpoint, budget: Budget) -> None:
        self.finished, self.unfinished = files(name)
        self.stage = stage
        self.model, self.step, self.earlier, self.before = begun.model, begun.step, begun.earlier, begun.seconds
        self.budget = budget
        self.started = time.monotonic()
        self.optimizer = optimizer_of(self.model)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.means: dict[str, float] = {}
        if begun.optimizer is not None:
            self.optimizer.load_state_dict(begun.optimizer)

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    def used(self) -> float:
        return self.budget.used(self.step - self.earlier, self.seconds())

    def _set_rates(self) -> None:
        warm = min(1.0, (self.step - self.earlier) / self.stage.warm_up + self.stage.first)
        scale = self.stage.rate * warm * max(FLOOR, 1 - self.used())
        for group, rate in zip(self.optimizer.param_groups, self.rates):
            group["lr"] = rate * scale

    def train_on(self, batch: Batch) -> None:
        """One step."""
        self._set_rates()
        asked = self.model.encode(batch.questions + batch.near_misses, QUESTION_GROUP)
        passages = self.model.encode(batch.passages, PASSAGE_GROUP)
        found = losses.of_batch(batch, self.model.log_odds(asked, passages), asked, passages)
        total = found.total(self.stage.weights)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        for name, value in {"loss": total.item(), **found.figures()}.items():
            self.means[name] = value + (1 - FRESH) * (self.means.get(name, value) - value)

    def save(self, finished: bool) -> None:
        """Writes the finished model, or the checkpoint that a broken-off run goes on from."""
        now = Checkpoint(self.model, self.step, self.earlier, self.seconds())
        if finished:
            checkpoint.save(self.finished, now)
            self.unfinished.unlink(missing_ok=True)
        else:
            now.optimizer = self.optimizer.state_dict()
            checkpoint.save(self.unfinished, now)


def files(name: str) -> tuple[Path, Path]:
    """The finished model of a run, and its checkpoint while it goes on."""
    return BUILD / f"{name}.pt", BUILD / f"{name}.run.pt"


def loaded(path: Path, cut: Vocabulary) -> Checkpoint:
    """A checkpoint that was trained with this vocabulary."""
    found = checkpoint.load(path)
    if found.model.encoder.shape.vocabulary != cut.size:
        raise SystemExit(f"{path} was trained with another vocabulary than {VOCABULARY}: restore that one or remove the run")
    return found


def of_e5(cut: Vocabulary, layers: list[int]) -> Checkpoint:
    """The encoder before any training."""
    whole = e5.installed()
    return Checkpoint(LateInteraction(from_e5(whole, cut.rows_of(whole), layers)))


def after(name: str, cut: Vocabulary) -> Checkpoint:
    """The beginning of a stage that follows on a finished one."""
    finished, _ = files(name)
    if not finished.exists():
        raise SystemExit(f"{finished} is not there: train it first (tune --name {name})")
    found = loaded(finished, cut)
    return Checkpoint(found.model, found.step, earlier=found.step)


def stage_vocab(_args: argparse.Namespace) -> None:
    """Cuts the vocabulary of e5 down to what the texts of training need."""
    BUILD.mkdir(exist_ok=True)
    VOCABULARY.write_bytes(vocabulary.cut(e5.installed(), vocabulary.corpus()))
    log("vocab", pieces=Vocabulary(VOCABULARY).size)


def stage_tune(args: argparse.Namespace) -> None:
    """Trains the encoder; a run that was broken off goes on from its last checkpoint."""
    train(args, TUNE, lambda cut: of_e5(cut, [int(n) for n in args.layers.split(",")]))


def stage_refine(args: argparse.Namespace) -> None:
    """Goes on from the end of `tune` with clauses that are alike, more near misses and real questions of lay people."""
    train(args, REFINE, lambda cut: after(args.after, cut))


def stage_sharpen(args: argparse.Namespace) -> None:
    """Goes on from the end of `refine` with the clauses that it still confuses (confusions.py)."""
    if not CONFUSIONS.exists():
        raise SystemExit(f"{CONFUSIONS} is not there: python -m guida_train.confusions {args.after}")
    train(args, SHARPEN, lambda cut: after(args.after, cut))


def train(args: argparse.Namespace, stage: Stage, start: Callable[[Vocabulary], Checkpoint]) -> None:
    """Goes through a stage from its last checkpoint, else from `start`."""
    torch.manual_seed(SEED)
    cut = Vocabulary(VOCABULARY)
    finished_file, unfinished_file = files(args.name)
    if finished_file.exists():
        raise SystemExit(f"{finished_file} is finished: evaluate or export it, or choose another --name")
    begun = loaded(unfinished_file, cut) if unfinished_file.exists() else start(cut)
    sources, measured = pairs.load(), evaluate.left_out()
    log("sources", **sources.counts())
    # A resumed run draws other batches than those it has had.
    batches = iter(Batches(sources, stage.mix, cut, SEED + begun.step, args.clauses))
    run = Run(args.name, stage, begun, Budget(args.minutes, args.steps))
    finished = False
    while not finished:
        run.train_on(next(batches))
        finished = run.used() >= 1
        if run.step % LOG_EVERY == 0 or finished:
            log(args.name, step=run.step, seconds=run.seconds(), **run.means)
        if run.step % args.every == 0 or finished:
            run.save(finished)
            if finished or stage.measured:
                log(f"{args.name} left out", step=run.step, **evaluate.figures(run.model, cut, *measured))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    stages = parser.add_subparsers(required=True)
    vocab = stages.add_parser("vocab", help=stage_vocab.__doc__)
    vocab.set_defaults(function=stage_vocab)
    tune = stages.add_parser("tune", help=stage_tune.__doc__)
    tune.set_defaults(function=stage_tune)
    tune.add_argument("--name", default="first", help="of the checkpoint in build/")
    tune.add_argument("--layers", default=LAYERS, help="of e5, the first is 0")
    refine = stages.add_parser("refine", help=stage_refine.__doc__)
    refine.set_defaults(function=stage_refine)
    refine.add_argument("--name", default="refined", help="of the checkpoint in build/")
    refine.add_argument("--after", default="first", help="the finished checkpoint that it begins with")
    sharpen = stages.add_parser("sharpen", help=stage_sharpen.__doc__)
    sharpen.set_defaults(function=stage_sharpen)
    sharpen.add_argument("--name", default="final", help="of the checkpoint in build/")
    sharpen.add_argument("--after", default="refined", help="the finished checkpoint that it begins with")
    for stage in (tune, refine, sharpen):
        stage.add_argument("--minutes", type=float, help="of this stage, those of broken-off runs counted")
        stage.add_argument("--steps", type=int, help="of this stage")
        stage.add_argument("--every", type=int, default=70, help="steps between two checkpoints")
        stage.add_argument("--clauses", type=int, default=CLAUSES, help="of a batch")
    args = parser.parse_args()
    if args.function is not stage_vocab and not (args.minutes or args.steps):
        parser.error("--minutes or --steps is needed")
    torch.set_num_threads(int(os.environ.get("GUIDA_TRAIN_THREADS", os.cpu_count() or 1)))
    args.function(args)


if __name__ == "__main__":
    main()
