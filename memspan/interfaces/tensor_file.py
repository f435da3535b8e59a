"""Tensor files: named tensors in the safetensors format, written in parts and read in place, whatever their size.

The library itself joins everything to one text of bytes and copies each tensor out of it again: of a network of a
hundred million weights that is gigabytes. The format is its own (a test holds the bytes against it).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor

from memspan.interfaces.pieces import in_pieces

TYPES = {torch.float64: "F64", torch.int64: "I64", torch.float32: "F32", torch.int32: "I32", torch.uint8: "U8"}
DTYPES = {name: dtype for dtype, name in TYPES.items()}
ALIGNMENT = 8
"""bytes, to which spaces fill the header up"""
Bytes: TypeAlias = bytes | bytearray | memoryview
Shapes: TypeAlias = tuple[tuple[str, torch.dtype, tuple[int, ...]], ...]


class NoTensorFile(ValueError):
    """Bytes that are not in the safetensors format."""


@dataclass(frozen=True)
class TensorFile:
    """A file's bytes in parts, which are never joined unless somebody asks for it; they share the tensors' memory."""

    parts: tuple[Bytes, ...]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(len(part) for part in self.parts)

    @cached_property
    def sha256(self) -> str:
        """Of all bytes, in hexadecimal."""
        digest = hashlib.sha256()
        for part in self.parts:
            digest.update(part)
        return digest.hexdigest()

    @property
    def data(self) -> bytes:
        """All bytes, joined."""
        return b"".join(self.parts)

    def pieces(self, most_bytes: int) -> Iterator[bytes]:
        """The bytes in pieces of ``most_bytes``, of which the last may be shorter."""
        return in_pieces(self.parts, most_bytes)


def file_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> TensorFile:
    """Named tensors, on a processor and in one order of bytes, as a file; equal tensors give equal bytes."""
    shapes = tuple((name, tensors[name].dtype, tuple(tensors[name].shape)) for name in sorted(tensors))
    head, order = _plain_head(shapes) if metadata is None else _head(shapes, tuple(sorted(metadata.items())))
    numbers = (tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data for name in order)
    return TensorFile((head, *numbers))


def _head(shapes: Shapes, metadata: tuple[tuple[str, str], ...]) -> tuple[bytes, tuple[str, ...]]:
    """The header of a file, and the order of its tensors: wide numbers first, then by name."""
    ordered = sorted(shapes, key=lambda each: (-each[1].itemsize, each[0]))
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    begin = 0
    for name, dtype, shape in ordered:
        end = begin + dtype.itemsize * math.prod(shape)
        entries[name] = {"dtype": TYPES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text, tuple(name for name, _, _ in ordered)


@lru_cache(maxsize=64)
def _plain_head(shapes: Shapes) -> tuple[bytes, tuple[str, ...]]:
    """The header of weights: the same for all members of a condition, of which there are thousands."""
    return _head(shapes, ())


def read(data: Bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file by the alphabet, and its metadata. Tensors share the memory of ``data``.

    Raises:
        NoTensorFile: the bytes are something else.
    """
    try:
        view = memoryview(data if not isinstance(data, bytes) else bytearray(data))
        size = 8 + int.from_bytes(view[:8], "little")
        entries = json.loads(bytes(view[8:size]))
        metadata = entries.pop("__metadata__", {})
        return {name: _tensor(view[size:], entries[name]) for name in sorted(entries)}, metadata
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, RecursionError) as error:
        raise NoTensorFile("The bytes are not in the safetensors format.") from error


def _tensor(view: memoryview, entry: Mapping[str, Any]) -> Tensor:
    begin, end = entry["data_offsets"]
    dtype = DTYPES[entry["dtype"]]
    if not 0 <= begin <= end <= len(view) or end - begin != dtype.itemsize * math.prod(entry["shape"]):
        raise NoTensorFile(f"A tensor lies at {begin} to {end} of {len(view)} bytes.")
    if begin == end:
        return torch.empty(entry["shape"], dtype=dtype)
    return torch.frombuffer(view[begin:end], dtype=dtype).reshape(entry["shape"])
