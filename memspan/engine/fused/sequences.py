"""Sequences as the compiled loops want them: plain rows of floats, or already in lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.datasets import fresh, own, shuffled, split
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BYTES
from memspan.engine.scored_set import joined
from memspan.interfaces.batch import Batch


@dataclass(frozen=True)
class FlatSequences:
    """Sequences one after another: ``inputs`` and ``targets`` are flat, with numbers behind that may be read.

    Class numbers are floats, exact up to 2^24.
    """

    inputs: Tensor
    targets: Tensor


@dataclass(frozen=True)
class InLanes:
    """Blocks of 16 sequences (blocks, numbers, 16); the last is filled up with its last sequence."""

    inputs: Tensor
    targets: Tensor
    count: int


_FLAT: WeakKeyDictionary[Batch, FlatSequences] = WeakKeyDictionary()
_IN_LANES: WeakKeyDictionary[Batch, InLanes] = WeakKeyDictionary()
"""kept as long as their batch is: repeats of a condition share them"""


def flattened(batch: Batch) -> FlatSequences:
    """Lay out a batch."""
    if batch not in _FLAT:
        _FLAT[batch] = FlatSequences(_flat(batch.inputs), _flat(batch.targets))
    return _FLAT[batch]


def _flat(tensor: Tensor) -> Tensor:
    count = tensor.numel()
    if tensor.dtype == torch.float32 and tensor.is_contiguous() and _numbers_behind(tensor) >= LANES:
        return tensor.as_strided((count + LANES,), (1,))  # no copy: large sets have room behind them
    flat = torch.zeros(count + LANES)
    flat[:count] = tensor.reshape(-1)
    return flat


def _numbers_behind(tensor: Tensor) -> int:
    """How many more numbers its memory holds."""
    whole = tensor.untyped_storage().nbytes() // tensor.element_size()
    return int(whole - tensor.storage_offset() - tensor.numel())


def in_lanes(batch: Batch) -> InLanes:
    """Put a batch into lanes."""
    if batch not in _IN_LANES:
        _IN_LANES[batch] = InLanes(_lanes(batch.inputs), _lanes(batch.targets), len(batch))
    return _IN_LANES[batch]


def _lanes(tensor: Tensor) -> Tensor:
    flat = tensor.reshape(tensor.shape[0], -1).float()  # (N, numbers)
    missing = -flat.shape[0] % LANES
    whole = torch.cat([flat, flat[-1:].expand(missing, -1)]) if missing else flat
    lanes = whole.view(-1, LANES, flat.shape[1]).transpose(1, 2).contiguous()
    # Sequences of one number are in lanes as they are, maybe in the middle of a larger set, where no vector may begin.
    return lanes if lanes.data_ptr() % BYTES == 0 else lanes.clone()


@dataclass(frozen=True)
class Chunk:
    """What some optimiser steps take.

    Attributes:
        sets: each member's sequences.
        orders: each member's order of them (N,).
        first: step, counted in batches of the orders.
        count: sequences of an order.
    """

    sets: tuple[FlatSequences, ...]
    orders: tuple[Tensor, ...]
    first: int
    count: int


class Sequences:
    """Hands out each member's sequences, the same as the torch engine's, in the same order."""

    def __init__(self, condition: Condition, seeds: Sequence[int]) -> None:
        self._condition, self._seeds = condition, tuple(seeds)
        self._kind = condition.training.data
        self._own = [flattened(own(condition, seed)) for seed in seeds] if self._kind == "per_repeat" else []
        self._epoch, self._orders = -1, tuple[Tensor, ...]()

    def chunk(self, epoch: int, step: int, steps: int) -> Chunk:
        """What ``steps`` steps of an epoch take, from ``step`` on."""
        size, count = self._condition.training.batch_size, self._condition.training.train_size
        if self._kind == "fresh":
            return self._fresh(epoch, step, steps, min(steps * size, count - step * size))
        if epoch != self._epoch:
            self._orders = tuple(shuffled(self._condition, seed, epoch) for seed in self._seeds)
            self._epoch = epoch
        shared = () if self._own else (flattened(split(self._condition).train),) * len(self._seeds)
        return Chunk(tuple(self._own) or shared, self._orders, step, count)

    def _fresh(self, epoch: int, step: int, steps: int, count: int) -> Chunk:
        sets = tuple(self._joined(seed, epoch, range(step, step + steps)) for seed in self._seeds)
        return Chunk(sets, (torch.arange(count),) * len(self._seeds), 0, count)

    def _joined(self, seed: int, epoch: int, steps: Sequence[int]) -> FlatSequences:
        batches = [fresh(self._condition, seed, epoch, step) for step in steps]
        together = batches[0] if len(batches) == 1 else joined(batches)
        return FlatSequences(_flat(together.inputs), _flat(together.targets))
