"""Sets that stay in memory, filled as their sequences are drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.interfaces.batch import Batch

SPARE = 16
"""numbers behind a set that may be read, so that the fused engine needs no copy of it"""


class KeptSets:
    """A training set (0 .. ``trains``) and a validation set (``train`` .. ``stop``) as they are drawn.

    What is drawn at once is kept as it is; parts are copied to where they belong, and let go.
    """

    def __init__(self, trains: int, train: int, stop: int) -> None:
        self._ranges = range(trains), range(train, stop)
        self._sets: list[Batch] = []

    def put(self, rows: range, part: Batch) -> None:
        """Keep what is wanted of a part."""
        if len(rows) == self._ranges[1].stop:
            self._sets = [part[wanted.start : wanted.stop] for wanted in self._ranges]
            return
        self._sets = self._sets or [_room(part, len(wanted)) for wanted in self._ranges]
        for wanted, room in zip(self._ranges, self._sets, strict=True):
            both = range(max(rows.start, wanted.start), min(rows.stop, wanted.stop))
            if both:
                mine = part[both.start - rows.start : both.stop - rows.start]
                goal = room[both.start - wanted.start : both.stop - wanted.start]
                goal.inputs.copy_(mine.inputs)
                goal.targets.copy_(mine.targets)

    @property
    def train(self) -> Batch:
        return self._sets[0]

    @property
    def validation(self) -> Batch:
        return self._sets[1]


def _room(like: Batch, count: int) -> Batch:
    """Memory for so many sequences."""
    return Batch(*(_with_spare(each, count) for each in (like.inputs, like.targets)))


def _with_spare(like: Tensor, count: int) -> Tensor:
    shape = (count, *like.shape[1:])
    numbers = torch.Size(shape).numel()
    flat = torch.empty(numbers + SPARE, dtype=like.dtype)
    flat[numbers:] = 0
    return flat[:numbers].view(shape)
