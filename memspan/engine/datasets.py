"""Training, validation and test sequences of a population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.seeds import stream
from memspan.interfaces.batch import Batch
from memspan.interfaces.task import TaskSpec
from memspan.tasks import sample


@dataclass(frozen=True)
class Split:
    """A training set, the validation set cut from its end, and an independent test set."""

    train: Batch
    validation: Batch
    test: Batch


def split(condition: Condition) -> Split:
    """The data that all models and repeats of a condition's task and length share.

    The validation set is the last part of one draw, as Keras' ``validation_split`` cuts it.
    """
    training = condition.training
    sizes = (training.train_size, training.validation_size, training.test_size)
    name = (condition.task, condition.extent, condition.data_seed, *sizes)
    if name not in _LAST:
        _LAST.clear()  # before the next is drawn: two would not fit where one just does
        _LAST[name] = _drawn_split(*name)
    return _LAST[name]


_LAST: dict[tuple[TaskSpec, int, int, int, int, int], Split] = {}
"""the last draw: models of one task and length follow each other in a worker"""


def _drawn_split(task: TaskSpec, steps: int, seed: int, train: int, validation: int, test: int) -> Split:
    together = sample(task, steps, train + validation, stream(seed, "train"), "train")
    return Split(together[:train], together[train:], sample(task, steps, test, stream(seed, "test"), "test"))


def own(condition: Condition, seed: int) -> Batch:
    """A run's own training set."""
    return _drawn(condition, condition.training.train_size, seed, "data")


def fresh(condition: Condition, seed: int, epoch: int, step: int) -> Batch:
    """What a run sees at one step only; the last batch of an epoch may be smaller."""
    training = condition.training
    count = min(training.batch_size, training.train_size - step * training.batch_size)
    return _drawn(condition, count, seed, "data", epoch, step)


def shuffled(condition: Condition, seed: int, epoch: int) -> Tensor:
    """A run's order of its sequences in an epoch (N,); recomputed from the seed, so never stored."""
    return torch.randperm(condition.training.train_size, generator=stream(seed, "shuffle", epoch))


def _drawn(condition: Condition, count: int, *names: object) -> Batch:
    return sample(condition.task, condition.extent, count, stream(*names), "train")


class TrainingData:
    """Hands out each member's batch of each step; what it hands out depends on the member's seed alone."""

    def __init__(self, condition: Condition, seeds: Sequence[int], device: torch.device) -> None:
        self._condition, self._device = condition, device
        self._seeds = tuple(dict.fromkeys(seeds))  # empty places of a stack share somebody's seed: drawn once
        self._drawn = [self._seeds.index(seed) for seed in seeds]
        self._size = condition.training.batch_size
        self._count = condition.training.train_size
        self._order: Tensor | None = None
        self._order_epoch = -1
        self._sets = self._draw_sets()

    def _draw_sets(self) -> Batch | None:
        """The fixed set (N, ...), or one for each seed laid end to end (S N, ...); None when drawn afresh."""
        if self._condition.training.data == "fixed":
            return split(self._condition).train.to(self._device)
        if self._condition.training.data == "fresh":
            return None
        sets = [own(self._condition, seed) for seed in self._seeds]
        return Batch(torch.cat([s.inputs for s in sets]), torch.cat([s.targets for s in sets])).to(self._device)

    def batch(self, epoch: int, step: int) -> Batch:
        """Sequences of a step: inputs (M, B, T, C), targets (M, B) or (M, B, K)."""
        start, stop = step * self._size, min((step + 1) * self._size, self._count)
        if self._sets is None:
            return self._fresh(epoch, step)
        rows = self._shuffled(epoch)[:, start:stop]  # (M, B)
        return Batch(self._sets.inputs[rows], self._sets.targets[rows])

    def _fresh(self, epoch: int, step: int) -> Batch:
        batches = [fresh(self._condition, seed, epoch, step) for seed in self._seeds]
        members = [batches[seat] for seat in self._drawn]
        stacked = Batch(torch.stack([b.inputs for b in members]), torch.stack([b.targets for b in members]))
        return stacked.to(self._device)

    def _shuffled(self, epoch: int) -> Tensor:
        """Each member's order of its sequences in an epoch (M, N)."""
        if self._order is None or self._order_epoch != epoch:
            orders = [shuffled(self._condition, seed, epoch) for seed in self._seeds]
            own = self._condition.training.data == "per_repeat"
            shifted = [orders[seat] + (seat * self._count if own else 0) for seat in self._drawn]
            self._order, self._order_epoch = torch.stack(shifted).to(self._device), epoch
        return self._order
