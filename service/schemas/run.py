"""Runs in answers."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from memspan.engine.condition import Condition
from service.operations import ids
from service.operations.times import rfc3339
from service.schemas.number import Answer, Data, Number
from service.storage.checkpoints import CheckpointOfRun
from service.storage.runs import RunRecord, WholeRunRecord


class Run(Answer):
    """One repeat of a condition."""

    id: str
    experiment: str
    task: Data
    model: Data
    length: int | None
    repeat: int
    purpose: str = Field(description="report; or tuning, of runs that serve to choose a setting and enter nothing else")
    setting: dict[str, float | None] = Field(description="the numbers of its training that may be tuned")
    seed: int
    state: str
    reason: str | None
    detail: str | None
    diverged_at: int | None
    attempt: int
    engine: str
    device: str
    seconds: float | None
    epochs_done: float
    started_at: str | None
    finished_at: str | None
    processor: str | None


class CheckpointLink(Answer):
    """A checkpoint of a run."""

    id: str
    kind: str
    epoch: int


class LagCounts(Answer):
    """Answers of the test by lag: how many steps ago was shown what they say."""

    first: list[int] = Field(description="shortest lag of each bin, in steps")
    last: list[int] = Field(description="longest lag of each bin, in steps")
    asked: list[int] = Field(description="answers that were due")
    correct: list[int]


class WholeRun(Run):
    """A run with its final metrics and checkpoints."""

    metrics: dict[str, Number]
    by_lag: LagCounts | None = Field(description="of the test, of tasks that tell lags")
    checkpoints: list[CheckpointLink]


class Metric(Answer):
    """One measured value."""

    split: str
    name: str
    epoch: int
    value: Number


class Metrics(Answer):
    """The metrics of a run."""

    items: list[Metric]


def run(row: RunRecord, condition: Condition) -> dict[str, Any]:
    """One run of a list."""
    return {
        "id": ids.public(ids.RUN, row.key),
        "experiment": ids.public(ids.EXPERIMENT, row.experiment_key),
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
        "repeat": row.repeat,
        "purpose": condition.purpose,
        "setting": condition.training.numbers,
        "seed": row.seed,
        "state": row.state,
        "reason": row.reason,
        "detail": row.detail,
        "diverged_at": row.diverged_at,
        "attempt": row.attempt,
        "engine": row.engine,
        "device": row.queue,
        "seconds": row.seconds,
        "epochs_done": row.epochs_done,
        "started_at": rfc3339(row.started_at),
        "finished_at": rfc3339(row.finished_at),
        "processor": row.processor,
    }


def whole_run(row: WholeRunRecord, condition: Condition, checkpoints: Sequence[CheckpointOfRun]) -> dict[str, Any]:
    """One run with its final metrics and checkpoints."""
    links = [{"id": ids.public(ids.CHECKPOINT, c.key), "kind": c.kind, "epoch": c.epoch} for c in checkpoints]
    return run(row, condition) | {"metrics": row.metrics or {}, "by_lag": row.by_lag, "checkpoints": links}
