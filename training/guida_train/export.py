"""Writes the encoder as GGUF: architecture `bert`, tokenizer `t5` (unigram), Q8_0 matrices, mean pooling.

What compares tokens is not llama.cpp's business and stands in the metadata, as arrays of 32-bit floats (src/inference/late.rs):
`guida.late.projection`, rows one after another; `guida.late.gate`, weights and then the bias; `guida.late.head`, factors of the mean match,
the weakest match and the cosine, then bias and sharpness.
"""

import argparse
import hashlib
from pathlib import Path

import gguf
import numpy as np
import torch

from . import checkpoint
from .model import EPSILON, LateInteraction
from .paths import BUILD, VOCABULARY
from .vocabulary import BOS, EOS, PAD, UNK, Vocabulary

#: Kinds of tokens in GGUF.
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
_Q8_0 = gguf.GGMLQuantizationType.Q8_0


def write(model: LateInteraction, vocabulary: Vocabulary, out: Path) -> None:
    """Exports a model with its vocabulary."""
    file = gguf.GGUFWriter(out, "bert")
    _describe(file, model)
    _tokens(file, vocabulary)
    _late_interaction(file, model)
    _tensors(file, model)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def _describe(file: gguf.GGUFWriter, model: LateInteraction) -> None:
    shape = model.encoder.shape
    file.add_name("guida-embed-zh")
    file.add_description(
        "Sentence encoder with token vectors for Chinese bank rules and laws; made for Guida from multilingual-e5-small"
    )
    file.add_license("MIT OR Apache-2.0")
    file.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    file.add_context_length(shape.positions)
    file.add_embedding_length(shape.width)
    file.add_block_count(shape.layers)
    file.add_feed_forward_length(shape.hidden)
    file.add_head_count(shape.heads)
    file.add_layer_norm_eps(EPSILON)
    file.add_causal_attention(False)
    file.add_pooling_type(gguf.PoolingType.MEAN)


def _tokens(file: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    pieces = range(vocabulary.size)
    kinds = {BOS: CONTROL, PAD: CONTROL, EOS: CONTROL, UNK: UNKNOWN}
    file.add_tokenizer_model("t5")
    file.add_tokenizer_pre("default")
    file.add_token_list([vocabulary.sp.id_to_piece(n).encode() for n in pieces])
    file.add_token_scores([vocabulary.sp.get_score(n) for n in pieces])
    file.add_token_types([kinds.get(n, NORMAL) for n in pieces])
    file.add_token_type_count(1)
    file.add_bos_token_id(BOS)
    file.add_eos_token_id(EOS)
    file.add_unk_token_id(UNK)
    file.add_pad_token_id(PAD)
    file.add_add_bos_token(True)
    file.add_add_eos_token(True)
    file.add_add_space_prefix(True)
    file.add_remove_extra_whitespaces(True)


def _late_interaction(file: gguf.GGUFWriter, model: LateInteraction) -> None:
    def numbers(*tensors: torch.Tensor) -> list[float]:
        return torch.cat([tensor.detach().flatten() for tensor in tensors]).tolist()

    file.add_array("guida.late.projection", numbers(model.projection.weight))
    file.add_array("guida.late.gate", numbers(model.gate.weight, model.gate.bias))
    file.add_array("guida.late.head", numbers(model.head, model.bias, model.sharpness))


def _tensors(file: gguf.GGUFWriter, model: LateInteraction) -> None:
    def exact(name: str, weight: torch.Tensor) -> None:
        file.add_tensor(name, weight.detach().numpy().astype(np.float32))

    def matrix(name: str, weight: torch.Tensor) -> None:
        data = gguf.quants.quantize(weight.detach().numpy().astype(np.float32), _Q8_0)
        file.add_tensor(name, data, raw_dtype=_Q8_0)

    def norm(name: str, layer: torch.nn.LayerNorm) -> None:
        exact(f"{name}.weight", layer.weight)
        exact(f"{name}.bias", layer.bias)

    encoder = model.encoder
    matrix("token_embd.weight", encoder.tokens.weight)
    exact("position_embd.weight", encoder.positions.weight)
    norm("token_embd_norm", encoder.first_norm)
    for n, layer in enumerate(encoder.layers):
        for part, weight, bias in zip("qkv", layer.qkv.weight.chunk(3), layer.qkv.bias.chunk(3)):
            matrix(f"blk.{n}.attn_{part}.weight", weight)
            exact(f"blk.{n}.attn_{part}.bias", bias)
        for name, linear in (("attn_output", layer.out), ("ffn_up", layer.up), ("ffn_down", layer.down)):
            matrix(f"blk.{n}.{name}.weight", linear.weight)
            exact(f"blk.{n}.{name}.bias", linear.bias)
        norm(f"blk.{n}.attn_output_norm", layer.attention_norm)
        norm(f"blk.{n}.layer_output_norm", layer.norm)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the checkpoint in build/")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    found = checkpoint.load(BUILD / f"{args.name}.pt")
    write(found.model, Vocabulary(VOCABULARY), args.out)
    print(args.out, hashlib.sha256(args.out.read_bytes()).hexdigest(), "step", found.step)


if __name__ == "__main__":
    main()
