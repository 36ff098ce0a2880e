"""Files of weights: `{shape, weights, step, earlier, seconds}`, and `optimizer` while a stage goes on.

`earlier` and `seconds` are missing from the first files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .model import Encoder, LateInteraction, Shape

#: Short spellings of names in a file, as the first runs wrote them.
SHORT = {
    "V": "vocabulary",
    "w": "width",
    "h": "heads",
    "f": "hidden",
    "P": "positions",
    "enc": "encoder",
    "pos": "positions",
    "fn": "first_norm",
    "an": "attention_norm",
    "proj": "projection",
    "soft": "sharpness",
}


@dataclass
class Checkpoint:
    """A model and how far its training has come."""

    model: LateInteraction
    #: Steps of all stages so far.
    step: int = 0
    #: Steps of the stages before this one.
    earlier: int = 0
    #: Seconds of this stage so far.
    seconds: float = 0.0
    #: State of the optimiser; `None` in a file that is a finished model.
    optimizer: dict[str, Any] | None = None


def _spelt_out(name: str) -> str:
    return ".".join(SHORT.get(part, part) for part in name.split("."))


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint."""
    saved = torch.load(path, weights_only=True)
    shape = Shape(**{_spelt_out(name): size for name, size in saved["shape"].items()})
    weights = {_spelt_out(name): weight for name, weight in saved["weights"].items()}
    model = LateInteraction(Encoder(shape), weights["projection.weight"].shape[0])
    model.load_state_dict(weights)
    return Checkpoint(model, saved["step"], saved.get("earlier", 0), saved.get("seconds", 0.0), saved.get("optimizer"))


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint; one that was there before is whole until the new one is."""
    content = {
        "shape": checkpoint.model.encoder.shape.as_dict(),
        "weights": checkpoint.model.state_dict(),
        "step": checkpoint.step,
        "earlier": checkpoint.earlier,
        "seconds": checkpoint.seconds,
    }
    if checkpoint.optimizer is not None:
        content["optimizer"] = checkpoint.optimizer
    unfinished = path.with_suffix(".part")
    torch.save(content, unfinished)
    unfinished.replace(path)
