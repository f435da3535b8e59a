"""Training, validation and test sequences of a population."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.kept_sets import KeptSets
from memspan.engine.scored_set import ScoredSet
from memspan.engine.seeds import stream
from memspan.interfaces.batch import Batch
from memspan.interfaces.task import TaskSpec
from memspan.tasks import parts, sample, sample_in_parts


@dataclass(frozen=True)
class Split:
    """A training set, the validation set that was drawn behind it, and an independent test set."""

    train: Batch
    validation: ScoredSet
    test: ScoredSet


@dataclass(frozen=True)
class _Name:
    """What a draw depends on."""

    task: TaskSpec
    extent: int
    seed: int
    sizes: tuple[int, int, int]
    trains: bool


def split(condition: Condition) -> Split:
    """The data that all models and repeats of a condition's task and length share."""
    for _ in drawing(condition):
        pass
    return _LAST[_name(condition)]


def final_set(condition: Condition) -> ScoredSet:
    """What runs are scored on at their end: the test set, which no run sees that serves to choose a setting."""
    return split(condition).test if condition.is_reported else split(condition).validation


def drawing(condition: Condition) -> Iterator[None]:
    """Draw what ``split`` gives, unless it is there: part after part, a good moment each to look at the clock.

    The validation set is the last part of one draw, as Keras' ``validation_split`` cuts it. A training set that nobody
    trains on, because runs draw their own, isn't kept.
    """
    name = _name(condition)
    if name in _LAST:
        return
    _LAST.clear()  # before the next is drawn: two would not fit where one just does
    train, validation, test = name.sizes
    ranges = parts(name.task, name.extent, train + validation)
    rng = stream(name.seed, "train")
    kept = KeptSets(train if name.trains else 0, train, train + validation)
    drawn = sample_in_parts(name.task, name.extent, ranges, rng, "train")
    for rows in ranges:
        kept.put(rows, next(drawn))
        if len(ranges) > 1:
            yield
    _LAST[name] = Split(kept.train, _held(name, kept.validation), _redrawn(name, test))


_LAST: dict[_Name, Split] = {}
"""the last draw: models of one task and length follow each other in a worker"""


def _name(condition: Condition) -> _Name:
    training = condition.training
    sizes = (training.train_size, training.validation_size, training.test_size)
    return _Name(condition.task, condition.extent, condition.data_seed, sizes, training.data == "fixed")


def _held(name: _Name, validation: Batch) -> ScoredSet:
    """A set that is scored after every epoch."""
    ranges = parts(name.task, name.extent, len(validation))
    if len(ranges) == 1:
        return ScoredSet(ranges, lambda: iter([validation]))
    return ScoredSet(ranges, lambda: (validation[rows.start : rows.stop] for rows in ranges))


def _redrawn(name: _Name, count: int) -> ScoredSet:
    """A set that is scored once, at the end: a large one is drawn as it is scored."""
    ranges = parts(name.task, name.extent, count)
    return ScoredSet(
        ranges,
        lambda: sample_in_parts(name.task, name.extent, ranges, stream(name.seed, "test"), "test"),
        name.task.lags if name.task.tells_lags else None,
    )


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
    task, extent = condition.task, condition.extent
    ranges = parts(task, extent, count)
    if len(ranges) == 1:
        return sample(task, extent, count, stream(*names), "train")
    kept = KeptSets(count, count, count)
    drawn = sample_in_parts(task, extent, ranges, stream(*names), "train")
    for rows in ranges:
        kept.put(rows, next(drawn))
    return kept.train


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
