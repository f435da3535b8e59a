"""What a loop over a time step's numbers is told: sizes, the step, and where the numbers lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

ROWS, SIZE, STEP, FIRST_ADDRESS = range(4)
"""places of the sequences B, the units H and the time step; then come addresses"""


@dataclass(frozen=True)
class Tape:
    """What one member's layer leaves behind on its way through time.

    Attributes:
        inputs: x of all steps (T B, I).
        products: pre-activations (T, B, G H): of W x + U h, or of W x and of U h where a cell keeps them apart.
            Their gradients take their places on the way back.
        states: each state before the first step and after each (T + 1, B, H).
    """

    inputs: Tensor
    products: tuple[Tensor, ...]
    states: tuple[Tensor, ...]

    @property
    def length(self) -> int:
        return self.products[0].shape[0]

    @property
    def batch(self) -> int:
        return self.products[0].shape[1]

    @property
    def size(self) -> int:
        return self.states[0].shape[2]


class Sheet:
    """Whole numbers at one place in memory. It keeps what it points at alive."""

    def __init__(self, tape: Tape, *others: Iterable[Tensor]) -> None:
        self._tensors: Sequence[Tensor] = [*tape.products, *tape.states, *(each for some in others for each in some)]
        addresses = [tensor.data_ptr() for tensor in self._tensors]
        self._numbers = np.array([tape.batch, tape.size, 0, *addresses], np.int64)
        self.address = self._numbers.ctypes.data

    def at(self, step: int) -> int:
        """The sheet's own address, once it speaks of a time step."""
        self._numbers[STEP] = step
        return self.address
