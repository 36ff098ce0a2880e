"""The vocabulary: unigram pieces of one to four characters, learnt from the texts themselves.

llama.cpp's BERT tokenizer (WPM) makes every Han character a token of its own. A unigram vocabulary (tokenizer type `t5` in GGUF)
keeps words together, which at this size of model and training is worth more than another layer, and falls back to characters
for what it does not know.
"""

from pathlib import Path

import sentencepiece as spm

BOS, PAD, EOS, UNK = 0, 1, 2, 3


def train(lines: list[str], out: Path, pieces: int) -> None:
    """Learns `pieces` pieces and writes `out`.model."""
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(out),
        vocab_size=pieces,
        model_type="unigram",
        character_coverage=0.9998,
        max_sentencepiece_length=4,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_by_number=True,
        split_digits=True,
        bos_id=BOS,
        pad_id=PAD,
        eos_id=EOS,
        unk_id=UNK,
        bos_piece="<s>",
        eos_piece="</s>",
        pad_piece="<pad>",
        unk_piece="<unk>",
        num_threads=2,
        seed_sentencepiece_size=400_000,
        max_sentence_length=8192,
        input_sentence_size=200_000,
        shuffle_input_sentence=True,
        minloglevel=1,
    )


class Tokenizer:
    """Pieces of a text between opening and closing token."""

    def __init__(self, model: Path) -> None:
        self.sp = spm.SentencePieceProcessor(model_file=str(model))
        self.size = self.sp.get_piece_size()

    def encode(self, text: str, limit: int) -> list[int]:
        """The best segmentation, cut to `limit` tokens in all."""
        return [BOS, *self.sp.encode(text)[: limit - 2], EOS]

    def sample(self, text: str, limit: int, alpha: float = 0.2) -> list[int]:
        """A random segmentation (Kudo 2018): the same text in other pieces, which teaches the model to bear misspellings."""
        return [BOS, *self.sp.encode(text, enable_sampling=True, nbest_size=-1, alpha=alpha)[: limit - 2], EOS]
