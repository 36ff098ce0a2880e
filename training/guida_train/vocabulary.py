"""The vocabulary: those pieces of multilingual-e5-small that Chinese law, bank rules and questions about them need.

Of its 250,000 pieces most are of other languages, and their vectors would be nine tenths of the file. A piece that stays keeps its
score, so that a text is cut as it was before, and its vector. llama.cpp reads such a vocabulary as tokenizer `t5`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as protocol

from . import banking, data
from .e5 import E5
from .paths import ASSETS, EVAL_DATA, OWN

BOS, PAD, EOS, UNK = 0, 1, 2, 3
#: What SentencePiece marks the beginning of a word with.
_WORD = "▁"
#: Occurrences that keep a piece; a word of two and more Han characters, which is what questions turn on, is kept sooner.
LEAST, LEAST_WORD = 4, 2
#: Ranges of single characters that stay in any case: marks, full-width forms, mathematical signs, numbers in circles.
_MARKS = (("\u3000", "\u303f"), ("\uff00", "\uff60"), ("\u2000", "\u22ff"), ("\u2460", "\u24ff"))


class Vocabulary:
    """Pieces of a text between opening and closing token."""

    def __init__(self, model: Path | bytes) -> None:
        self.sp = spm.SentencePieceProcessor()
        if isinstance(model, bytes):
            self.sp.LoadFromSerializedProto(model)
        else:
            self.sp.Load(str(model))
        self.size: int = self.sp.get_piece_size()

    def encode(self, text: str, limit: int) -> list[int]:
        """The best segmentation, cut to `limit` tokens in all."""
        return [BOS, *self.sp.encode(text)[: limit - 2], EOS]

    def rows_of(self, e5: E5) -> list[int]:
        """For each piece its row in the table of e5."""
        rows = {piece: row for row, piece in enumerate(e5.pieces)}
        return [rows[self.sp.id_to_piece(n)] for n in range(self.size)]


def model_of(pieces: list[str], scores: list[float]) -> bytes:
    """A unigram model of SentencePiece; the first four pieces are opening, padding, closing and unknown."""
    model = protocol.ModelProto()
    trained = model.trainer_spec
    trained.model_type = protocol.TrainerSpec.UNIGRAM
    trained.bos_id, trained.pad_id, trained.eos_id, trained.unk_id = BOS, PAD, EOS, UNK
    trained.bos_piece, trained.pad_piece, trained.eos_piece, trained.unk_piece = "<s>", "<pad>", "</s>", "<unk>"
    trained.byte_fallback = False
    trained.vocab_size = len(pieces)
    # Texts come normalised (data.normalize); all that is left to do is the blank in front.
    spelling = model.normalizer_spec
    spelling.name = "identity"
    spelling.add_dummy_prefix = spelling.remove_extra_whitespaces = spelling.escape_whitespaces = True
    kinds = protocol.ModelProto.SentencePiece
    special = {BOS: kinds.CONTROL, PAD: kinds.CONTROL, EOS: kinds.CONTROL, UNK: kinds.UNKNOWN}
    for n, (piece, score) in enumerate(zip(pieces, scores)):
        model.pieces.add(piece=piece, score=float(score), type=special.get(n, kinds.NORMAL))
    return model.SerializeToString()


def _han(piece: str) -> bool:
    return bool(piece) and all("\u4e00" <= c <= "\u9fff" for c in piece)


def _always(piece: str) -> bool:
    """Whether a piece, without its mark, is a single character that any text may have."""
    if len(piece) != 1:
        return not piece
    return ord(piece) < 128 or _han(piece) or any(first <= piece <= last for first, last in _MARKS)


def chosen(pieces: list[str], counts: Counter[int]) -> list[int]:
    """Rows of the pieces that stay."""
    keep = [BOS, PAD, EOS, UNK]
    for row, marked in enumerate(pieces[UNK + 1 :], UNK + 1):
        piece = marked.replace(_WORD, "")
        least = LEAST_WORD if _han(piece) and len(piece) >= 2 else LEAST
        if _always(piece) or counts[row] >= least:
            keep.append(row)
    return keep


def corpus() -> Iterator[str]:
    """All texts of training: laws, notices but those that are measured on, what was written by us, the sample rulebook."""
    files = sorted((EVAL_DATA / "laws").glob("*/*.md"))
    files += [ASSETS / "everyday.tsv", ASSETS / "thesaurus.tsv", OWN / "paraphrases.tsv"]
    knowledge = sorted((ASSETS / "knowledge").rglob("*"))
    files += [path for path in knowledge if path.is_file() and path.name != "questions.jsonl"]
    for path in files:
        yield path.read_text(encoding="utf-8")
    for clause in banking.training():
        yield clause.title + clause.chapter + clause.text


def cut(e5: E5, texts: Iterator[str]) -> bytes:
    """The model of the pieces that these texts need."""
    whole = Vocabulary(model_of(e5.pieces, list(e5.scores)))
    counts: Counter[int] = Counter()
    for text in texts:
        for line in text.split("\n"):
            if line.strip():
                counts.update(whole.sp.encode(data.normalize(line)))
    keep = chosen(e5.pieces, counts)
    return model_of([e5.pieces[row] for row in keep], [float(e5.scores[row]) for row in keep])
