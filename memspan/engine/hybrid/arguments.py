"""What a loop over a time step's numbers is told: sizes, the step, and where the numbers lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from memspan.engine.hybrid.tape import Tape

ROWS, SIZE, STEP, FIRST_ADDRESS = range(4)
"""places of the sequences B, the units H and the time step; then come addresses"""


class StepArguments:
    """Whole numbers at one place in memory. It keeps what it points at alive."""

    def __init__(self, tape: Tape, *others: Iterable[Tensor]) -> None:
        self._tensors: Sequence[Tensor] = [*tape.products, *tape.states, *(each for some in others for each in some)]
        addresses = [tensor.data_ptr() for tensor in self._tensors]
        self._numbers = np.array([tape.batch, tape.size, 0, *addresses], np.int64)
        self.address = self._numbers.ctypes.data

    def at(self, step: int) -> int:
        """The address, once it speaks of a time step."""
        self._numbers[STEP] = step
        return self.address
