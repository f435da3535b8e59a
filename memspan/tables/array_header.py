"""Headers of NPY arrays, read before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from memspan.tables.caps import Caps
from memspan.tables.fault import refused

KINDS = "fiub"
"""floating, signed, unsigned, boolean"""
MOST_AXES = 3


@dataclass(frozen=True)
class Header:
    """What an array says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes], name: str) -> Header:
    """The header of an array; the file stands behind it.

    Raises:
        Unreadable: it is none, or the array is no plain array of numbers of one to three axes.
    """
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
    except (ValueError, EOFError, OverflowError, MemoryError, RecursionError) as error:
        raise refused("damaged", f"{name} is no NPY array: {str(error)[:80]}") from None
    if dtype.hasobject or dtype.kind not in KINDS:
        message = f"{name} holds values of type {dtype}; arrays of numbers or booleans are read."
        raise refused("unknown_type", message)
    if not 1 <= len(shape) <= MOST_AXES:
        raise refused("wrong_axes", f"{name} has {len(shape)} axes; 1 to {MOST_AXES} are read.")
    return Header(shape, dtype, is_fortran)


def read_array(file: IO[bytes], size: int, name: str, caps: Caps) -> np.ndarray[Any, Any]:
    """The array in a file of ``size`` bytes, which must be just as many as its header promises.

    Raises:
        Unreadable: see ``read_header``; or it is shorter or longer than it says, or larger than is read.
    """
    before = file.tell()
    header = read_header(file, name)
    if header.bytes > caps.bytes:
        raise refused("too_large", f"{name} holds {header.bytes} bytes; at most {caps.bytes} are read.")
    left = size - (file.tell() - before)
    if header.bytes != left:
        shape = " x ".join(map(str, header.shape))
        raise refused(
            "damaged",
            f"{name} says it holds {shape} values of type {header.dtype}, {header.bytes} bytes; {left} are there.",
        )
    order = "F" if header.is_fortran else "C"
    values = np.empty(header.shape, dtype=header.dtype, order=order)  # type: ignore[call-overload]
    flat = memoryview(values.reshape(-1, order="A").view(np.uint8)) if values.size else memoryview(b"")
    done = 0
    while done < len(flat):
        piece = file.read(min(2**20, len(flat) - done))
        if not piece:
            raise refused("damaged", f"{name} ends too early.")
        flat[done : done + len(piece)] = piece
        done += len(piece)
    found: np.ndarray[Any, Any] = np.ascontiguousarray(values)
    return found
