"""IDX, the file format of MNIST."""

from __future__ import annotations

import gzip
import math
import struct
import zlib

import torch
from torch import Tensor

from memspan.datasets.unavailable import NotIdx

UNSIGNED_BYTES = 0x08


def read_idx(data: bytes, dimensions: int, name: str) -> Tensor:
    """The array of a gzipped IDX file of unsigned bytes, uint8.

    Layout, big-endian: two zero bytes, the type (8), the number of dimensions, each dimension as 4 bytes, the values
    with the last dimension running fastest. So 2051 begins images (n, rows, columns), and 2049 labels (n,).

    Args:
        name: of the file, for what is said when it is something else.

    Raises:
        NotIdx: it is something else.

    Source:
        LeCun, Cortes & Burges, THE MNIST DATABASE of handwritten digits, "File formats".
    """
    plain = _unzipped(data, name)
    head = 4 + 4 * dimensions
    magic = UNSIGNED_BYTES << 8 | dimensions
    if len(plain) < head or (found := struct.unpack(">I", plain[:4])[0]) != magic:
        begins = f"begins with {found}" if len(plain) >= head else f"has {len(plain)} bytes"
        raise NotIdx(name, f"it {begins}, where {magic} begins an array of {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", plain[4:head])
    if len(plain) - head != math.prod(shape):
        raise NotIdx(name, f"it holds {len(plain) - head} values, its head says {math.prod(shape)}")
    return torch.frombuffer(bytearray(plain), dtype=torch.uint8)[head:].reshape(shape)


def _unzipped(data: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise NotIdx(name, f"it can't be unzipped ({error})") from error
