"""The arguments of a compiled call, whole numbers: sizes, addresses, and where things lie in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Any

import numpy as np

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.llvm_types import DOUBLE, POINTER, WHOLE


class Field(IntEnum):
    """Places of the arguments. Addresses are those of memory; parts of the workspace are counted in vectors from a
    stream's own start.

    MEMBERS rows of a population are trained by STEPS optimiser steps of BATCH of COUNT sequences from step FIRST on,
    or scored over COUNT sequences that lie in lanes already.
    """

    LENGTH = 0
    CHANNELS = auto()
    NUMBERS = auto()
    """of a sequence's inputs, T C"""
    ANSWERS = auto()
    """numbers of a sequence's targets"""
    DUE = auto()
    """steps whose answer is due: 1 or T"""
    ANSWER_FROM = auto()
    BATCH = auto()
    COUNT = auto()
    FIRST = auto()
    STEPS = auto()
    MEMBERS = auto()
    BLOCKS = auto()
    """of 16 weights in a row"""
    ROWS = auto()
    SLOTS = auto()
    """rows of all members for each of the optimiser's slots"""
    SUMS = auto()
    CONSTANTS = auto()
    """of all optimiser steps, see ``descent``"""
    OF_STEPS = auto()
    """what each optimiser step has of its own"""
    OF_EACH_STEP = auto()
    """how many numbers that are"""
    INPUTS = auto()
    """addresses of each member's sequences"""
    TARGETS = auto()
    ORDERS = auto()
    WORKSPACE = auto()
    WORKSPACE_SIZE = auto()
    """vectors of a stream's workspace"""
    LANES_IN = auto()
    LANES_TARGETS = auto()
    GRADIENTS = auto()
    SCRATCH = auto()
    FIRST_LAYER = auto()


PARTS = ("tape", "above", "below", "joined", "sent")
"""of the workspace that a layer has, the first three, and a level, the others"""
EACH = len(PARTS)


def tape(layer: int) -> int:
    """Field of the part that holds a layer's tape."""
    return Field.FIRST_LAYER + EACH * layer


def above(layer: int) -> int:
    """Field of the part that holds the gradients of a layer's outputs, in the order of its steps."""
    return Field.FIRST_LAYER + EACH * layer + 1


def below(layer: int) -> int:
    """Field of the part that holds the gradients of a layer's inputs, in the order of its steps."""
    return Field.FIRST_LAYER + EACH * layer + 2


def joined(level: int) -> int:
    """Field of the part that holds the outputs of a level's two directions, side by side."""
    return Field.FIRST_LAYER + EACH * level + 3


def sent(level: int) -> int:
    """Field of the part that holds the gradients of a level's outputs."""
    return Field.FIRST_LAYER + EACH * level + 4


def part_name(field: int) -> str:
    """What a part of the workspace is called, e.g. gradients or tape 0."""
    if field < Field.FIRST_LAYER:
        return Field(field).name.lower().replace("_", " ")
    number, part = divmod(field - Field.FIRST_LAYER, EACH)
    return f"{PARTS[part]} {number}"


def packed(layers: int, values: Mapping[int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The arguments of a network of some layers."""
    filled = np.zeros(tape(layers), np.int64)
    for field, value in values.items():
        filled[field] = value
    return filled


class CallArguments:
    """Reads the arguments from compiled code."""

    def __init__(self, code: Code, address: Any) -> None:
        self._code, self._address = code, address

    def __getitem__(self, field: int) -> Any:
        return self._code.scalar(self._address, int(field), WHOLE)

    def address(self, field: int) -> Any:
        return self._code.build.inttoptr(self[field], POINTER)

    def listed(self, field: int, index: Any) -> Any:
        """An address out of a list of them."""
        return self._code.build.inttoptr(self._code.scalar(self.address(field), index, WHOLE), POINTER)

    def sums(self, member: Any, metrics: int) -> Any:
        """Where a member's sums lie."""
        return self._code.at(self.address(Field.SUMS), self._code.times(member, metrics), DOUBLE)
