"""Where things lie."""

import os
from pathlib import Path

#: The folder `training`.
HERE = Path(__file__).resolve().parent.parent
#: Questions and pairs that are part of the repository.
OWN = HERE / "data"
#: What comes with the program: everyday questions, thesaurus, sample rulebook.
ASSETS = HERE.parent / "assets"
#: Vocabulary, checkpoints and log of a run; never committed.
BUILD = Path(os.environ.get("GUIDA_TRAIN_BUILD", HERE / "build"))
#: Texts that are not part of the repository: `laws/`, `pbc/` and `leco-dev.jsonl`.
EVAL_DATA = Path(os.environ.get("GUIDA_EVAL_DATA", HERE.parent.parent / "shared" / "data"))
#: The vocabulary, as SentencePiece reads it.
VOCABULARY = BUILD / "vocab.model"
#: What the encoder of the stage before confuses (confusions.py).
CONFUSIONS = BUILD / "confusions.json"
