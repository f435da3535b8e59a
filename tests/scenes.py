"""Scenes: experiments in a real database, and workers that claim and end runs without training them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from memspan.engine.events import Outcome
from memspan.engine.snapshot import Position, Snapshot
from memspan.experiment.spec import ExperimentSpec
from service.operations import claiming, experiments, finish_runs, work
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.queue_names import Queue
from service.settings import Settings
from service.storage.database import Database
from service.storage.states import Reason, RunState

SMALLEST: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": {"epochs": 2, "train_size": 32, "validation_size": 16, "test_size": 16},
    "repeats": 2,
}
"""two runs that one worker trains together in some milliseconds"""


def spec(**changes: Any) -> ExperimentSpec:
    """The smallest experiment with some fields changed."""
    return ExperimentSpec.model_validate({**SMALLEST, **changes})


@dataclass
class Bells:
    """A bell that remembers for what it rang."""

    rung: list[str] = field(default_factory=list)

    def ring(self, queue: str) -> None:
        self.rung.append(queue)

    def works(self) -> bool:
        return True


def context_over(database: Database, **settings: Any) -> Context:
    """A context over a database; listeners are told at once of all that happens."""
    return Context(Settings(home=Path("/nowhere"), **settings), database, Bells(), tell_seconds=0.0)


@dataclass(frozen=True)
class Scene:
    """A database with experiments in it, and what workers do to them."""

    context: Context

    def submit(self, **changes: Any) -> int:
        """Submit the smallest experiment with some fields changed; its key."""
        return int(experiments.submit(self.context, spec(**changes)).row.key)

    def claim(self, worker: str = "worker") -> ClaimedRuns:
        """Claim runs that must be there."""
        claimed = self.try_claim(worker)
        assert claimed is not None
        return claimed

    def try_claim(self, worker: str = "worker") -> ClaimedRuns | None:
        return claiming.claim(self.context, worker, [Queue.CPU])

    def finish(self, claimed: ClaimedRuns, weight: Callable[[int], float] = float, **metrics: float) -> None:
        """Hand in runs with one weight each, which is made of the repeat."""
        outcomes = {repeat: outcome(weight(repeat), **metrics) for repeat in claimed.runs}
        finish_runs.finish(self.context, claimed, outcomes, 1.0, {}, claimed.placement.engine)

    def fail(self, claimed: ClaimedRuns, reason: Reason, detail: str) -> None:
        finish_runs.end(self.context, claimed, RunState.FAILED, reason, detail)

    def tell(self, claimed: ClaimedRuns, epoch: int = 1, **metrics: float) -> work.Order:
        return work.tell(self.context, claimed, epoch, measured(claimed, epoch, metrics or {"train_loss": 0.5}))

    def keep(self, claimed: ClaimedRuns, epoch: int = 1, step: int = 0, **metrics: float) -> work.Order:
        """Store a slice."""
        snapshots = {repeat: snapshot(epoch, step) for repeat in claimed.runs}
        told = measured(claimed, epoch, metrics or {"train_loss": 0.5})
        return work.keep(self.context, claimed, snapshots, (epoch, step), epoch, told)

    def give_back(self, claimed: ClaimedRuns) -> None:
        work.give_back(self.context, claimed)

    def finish_all(self) -> int:
        """Claim and hand in until nothing waits; claims done."""
        done = 0
        while (claimed := self.try_claim()) is not None:
            self.finish(claimed)
            done += 1
        return done

    def state(self, key: int) -> str:
        return str(experiments.look(self.context, key).row.state)

    def counts(self, key: int) -> Mapping[str, int]:
        """Runs of an experiment by state, those states that there are."""
        runs = experiments.look(self.context, key).counts["runs"]
        return {state: count for state, count in runs.items() if count and state != "total"}


def outcome(weight: float = 0.0, **metrics: float) -> Outcome:
    """What a run ends with, after two epochs."""
    weights = {"weight": torch.tensor([weight])}
    values = {"train_loss": 0.25, "test_accuracy": 1.0, "test_loss": 0.125, **metrics}
    return Outcome(values, weights, weights, best_epoch=2, last_epoch=2, diverged_at=None)


def measured(
    claimed: ClaimedRuns, epoch: int, metrics: Mapping[str, float]
) -> dict[int, list[tuple[int, Mapping[str, float]]]]:
    """The same values for all claimed runs."""
    return {repeat: [(epoch, metrics)] for repeat in claimed.runs}


def snapshot(epoch: int, step: int = 0) -> Snapshot:
    return Snapshot(Position(epoch, step), {"weights": torch.zeros(1)})
