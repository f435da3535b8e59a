"""Small populations, and all that training them says, in a form that compares bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.condition import Condition
from memspan.engine.events import Evaluated, Finished, Outcome
from memspan.engine.placement import place
from memspan.engine.snapshot import Snapshot
from memspan.engine.trainer import Trainer
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models.lstm import LSTM
from memspan.tasks.latch import Latch
from memspan.training import Training

ONE_UNIT, NOISY = LSTM(hidden_size=1), Latch(noise=0.4)
STEPS = 4
"""optimiser steps of an epoch of ``condition``; the last batch is smaller"""


def condition(
    model: ModelSpec = ONE_UNIT, task: TaskSpec = NOISY, length: int = 4, best: bool = False, **training: Any
) -> Condition:
    """Three epochs of three batches of 5 and one of 3 sequences."""
    sizes = {"batch_size": 5, "train_size": 18, "validation_size": 7, "test_size": 11, "epochs": 3}
    how = Training(**{**sizes, **training})
    return Condition(task, model, length, how, seed=5, checkpoint="best" if best else "last")


@dataclass(frozen=True)
class Story:
    """What a run said: its metrics epoch by epoch, and its end."""

    epochs: tuple[tuple[int, str], ...]
    metrics: str
    weights: Mapping[str, bytes]
    ended: tuple[int, int, int | None]


def told(outcome: Outcome, epochs: Sequence[tuple[int, str]]) -> Story:
    """``repr`` keeps every bit of a float and makes NaN equal to itself; weights are compared as bytes."""
    weights = {f"{kind}.{name}": tensor.numpy().tobytes()
               for kind in ("last", "best") for name, tensor in getattr(outcome, kind).items()}  # fmt: skip
    ended = (outcome.best_epoch, outcome.last_epoch, outcome.diverged_at)
    return Story(tuple(epochs), repr(sorted(outcome.metrics.items())), weights, ended)


def stories(
    asked: Condition, repeats: Iterable[int], snapshots: Mapping[int, Snapshot] | None = None
) -> dict[int, Story]:
    """Train some repeats to the end, from the start or from snapshots."""
    return finish(Trainer(place(asked), tuple(repeats), snapshots))


def finish(trainer: Trainer) -> dict[int, Story]:
    """Train on to the end."""
    epochs: dict[int, list[tuple[int, str]]] = {}
    for event in trainer.events():
        if isinstance(event, Evaluated):
            for repeat, metrics in event.metrics.items():
                epochs.setdefault(repeat, []).append((event.epoch, repr(sorted(metrics.items()))))
        if isinstance(event, Finished):
            return {repeat: told(outcome, epochs.get(repeat, [])) for repeat, outcome in event.outcomes.items()}
    raise AssertionError("training ended without its last event")


def stopped(
    asked: Condition, repeats: Iterable[int], after: int, snapshots: Mapping[int, Snapshot] | None = None
) -> Trainer:
    """A trainer that has given ``after`` events and then been left."""
    trainer = Trainer(place(asked), tuple(repeats), snapshots)
    events = trainer.events()
    for _ in range(after):
        next(events)
    return trainer


def carried(snapshots: Mapping[int, Snapshot], repeats: Iterable[int] | None = None) -> dict[int, Snapshot]:
    """Snapshots after a trip through their bytes, as storage makes it."""
    chosen = snapshots if repeats is None else repeats
    return {repeat: Snapshot.from_bytes(snapshots[repeat].to_bytes()) for repeat in chosen}
