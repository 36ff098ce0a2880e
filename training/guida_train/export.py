"""Writes the encoder as GGUF: architecture `bert`, tokenizer `t5` (unigram), Q8_0 matrices, mean pooling."""

import argparse
import hashlib

import gguf
import numpy as np
import sentencepiece as spm

from .train import BUILD, load

#: Kinds of tokens in GGUF.
NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def write(name: str, out: str) -> None:
    """Exports `build/NAME.pt` with the vocabulary beside it."""
    model = load(name)
    shape = model.shape
    vocabulary = spm.SentencePieceProcessor(model_file=str(BUILD / "vocab.model"))
    file = gguf.GGUFWriter(out, "bert")
    file.add_name("guida-embed-zh")
    file.add_description("Sentence encoder for Chinese bank rules and laws, trained from scratch for Guida")
    file.add_license("MIT OR Apache-2.0")
    file.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    file.add_context_length(shape.positions)
    file.add_embedding_length(shape.width)
    file.add_block_count(shape.layers)
    file.add_feed_forward_length(shape.hidden)
    file.add_head_count(shape.heads)
    file.add_layer_norm_eps(1e-12)
    file.add_causal_attention(False)
    file.add_pooling_type(gguf.PoolingType.MEAN)
    file.add_tokenizer_model("t5")
    file.add_tokenizer_pre("default")
    pieces = range(vocabulary.get_piece_size())
    file.add_token_list([vocabulary.id_to_piece(n).encode() for n in pieces])
    file.add_token_scores([vocabulary.get_score(n) for n in pieces])
    file.add_token_types(
        [UNKNOWN if vocabulary.is_unknown(n) else CONTROL if vocabulary.is_control(n) else NORMAL for n in pieces]
    )
    file.add_token_type_count(1)
    file.add_bos_token_id(vocabulary.bos_id())
    file.add_eos_token_id(vocabulary.eos_id())
    file.add_unk_token_id(vocabulary.unk_id())
    file.add_pad_token_id(vocabulary.pad_id())
    file.add_add_bos_token(True)
    file.add_add_eos_token(True)
    file.add_add_space_prefix(False)
    file.add_remove_extra_whitespaces(False)

    def matrix(tensor: str, weight) -> None:
        data = weight.detach().numpy().astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0
        file.add_tensor(tensor, gguf.quants.quantize(data, kind), raw_dtype=kind)

    def exact(tensor: str, weight) -> None:
        file.add_tensor(tensor, weight.detach().numpy().astype(np.float32))

    def norm(tensor: str, layer) -> None:
        exact(f"{tensor}.weight", layer.weight)
        exact(f"{tensor}.bias", layer.bias)

    matrix("token_embd.weight", model.tokens.weight)
    exact("position_embd.weight", model.positions.weight)
    norm("token_embd_norm", model.first_norm)
    for n, layer in enumerate(model.layers):
        weights, biases = layer.qkv.weight.chunk(3), layer.qkv.bias.chunk(3)
        for part, weight, bias in zip("qkv", weights, biases):
            matrix(f"blk.{n}.attn_{part}.weight", weight)
            exact(f"blk.{n}.attn_{part}.bias", bias)
        for tensor, linear in (("attn_output", layer.out), ("ffn_up", layer.up), ("ffn_down", layer.down)):
            matrix(f"blk.{n}.{tensor}.weight", linear.weight)
            exact(f"blk.{n}.{tensor}.bias", linear.bias)
        norm(f"blk.{n}.attn_output_norm", layer.attention_norm)
        norm(f"blk.{n}.layer_output_norm", layer.norm)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    with open(out, "rb") as written:
        print(out, hashlib.sha256(written.read()).hexdigest())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("out")
    args = parser.parse_args()
    write(args.name, args.out)


if __name__ == "__main__":
    main()
