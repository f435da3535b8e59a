"""SQL over metrics: one row for each run, split, name and epoch; numbers that are not finite keep their kind."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, select

from service.storage.bulk import insert_rows
from service.storage.states import RunState
from service.storage.tables import metrics, runs
from service.storage.upserts import Upsert

READ_AT_ONCE = 2_000
"""values of a large experiment"""


@dataclass(frozen=True)
class Measurement:
    """What a run, given by its key, measured after an epoch; names are like ``validation_loss``."""

    run: int
    epoch: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class MetricRecord:
    """One measured value."""

    split: str
    name: str
    epoch: int
    value: float


class Point(NamedTuple):
    """One value of a metric of one repeat; by the thousand."""

    condition: int
    repeat: int
    epoch: int
    value: float


KINDS = {1: math.nan, 2: math.inf, 3: -math.inf}


def encoded(value: float) -> tuple[float | None, int]:
    """(value, kind) of a number: SQL has no portable NaN or infinity."""
    if math.isfinite(value):
        return value, 0
    return None, 1 if math.isnan(value) else 2 if value > 0 else 3


def decoded(value: float | None, kind: int) -> float:
    return value if kind == 0 and value is not None else KINDS[kind]


def store(connection: Connection, measured: Iterable[Measurement]) -> None:
    """Insert or replace metrics: writing the same again changes nothing."""
    insert_rows(connection, metrics, [row for each in measured for row in _rows(each)], _replacing)


def _rows(measured: Measurement) -> Iterator[dict[str, Any]]:
    for name, value in measured.values.items():
        split, _, short = name.partition("_")
        number, kind = encoded(value)
        yield {
            "run_key": measured.run,
            "split": split,
            "name": short,
            "epoch": measured.epoch,
            "value": number,
            "kind": kind,
        }


def _replacing(statement: Upsert) -> Upsert:
    changed = {"value": statement.excluded.value, "kind": statement.excluded.kind}
    return statement.on_conflict_do_update(index_elements=list(metrics.primary_key), set_=changed)


def drop_beyond(connection: Connection, run_keys: Sequence[int], epoch: int) -> None:
    """Forget what runs measured after ``epoch`` epochs: they go on from there."""
    connection.execute(delete(metrics).where(metrics.c.run_key.in_(run_keys), metrics.c.epoch > epoch))


def of_run(connection: Connection, run: int) -> list[MetricRecord]:
    """A run's metrics by split, name and epoch."""
    columns = (metrics.c.split, metrics.c.name, metrics.c.epoch, metrics.c.value, metrics.c.kind)
    statement = select(*columns).where(metrics.c.run_key == run).order_by(*columns[:3])
    return [
        MetricRecord(split, name, epoch, decoded(value, kind))
        for split, name, epoch, value, kind in connection.execute(statement)
    ]


def learning(connection: Connection, experiment: int, split: str, name: str) -> Iterator[Point]:
    """One metric of all runs of an experiment, by condition, epoch and repeat, read some at a time."""
    statement = (
        select(runs.c.condition, runs.c.repeat, metrics.c.epoch, metrics.c.value, metrics.c.kind)
        .join(runs, runs.c.key == metrics.c.run_key)
        .where(runs.c.experiment_key == experiment, metrics.c.split == split, metrics.c.name == name)
        .order_by(runs.c.condition, metrics.c.epoch, runs.c.repeat)
    )
    found = connection.execute(statement, execution_options={"yield_per": READ_AT_ONCE})
    for condition, repeat, epoch, value, kind in found:
        yield Point(condition, repeat, epoch, decoded(value, kind))


def after_epochs(
    connection: Connection,
    experiment: int,
    conditions: range,
    split: str,
    names: Sequence[str],
    epochs: Sequence[int],
) -> Iterator[tuple[int, int, str, int, float]]:
    """(condition, repeat, name, epoch, value) of the runs of some conditions that succeeded, after some epochs.

    Plain tuples: there may be a million in all.
    """
    statement = (
        select(runs.c.condition, runs.c.repeat, metrics.c.name, metrics.c.epoch, metrics.c.value, metrics.c.kind)
        .join(metrics, metrics.c.run_key == runs.c.key)
        .where(*_succeeded(experiment, conditions, split, names))
    )
    lowest, highest = min(epochs), max(epochs)
    whole = len(epochs) == highest - lowest + 1
    within = metrics.c.epoch.between(lowest, highest) if whole else metrics.c.epoch.in_(epochs)
    for condition, repeat, name, epoch, value, kind in connection.execute(statement.where(within)):
        yield condition, repeat, name, epoch, decoded(value, kind)


def first_met(
    connection: Connection, experiment: int, condition: int, split: str, name: str, above: bool, bound: float
) -> Iterator[tuple[int, int]]:
    """(repeat, epoch): the first after which a metric of a run that succeeded was beyond a bound."""
    met = metrics.c.value >= bound if above else metrics.c.value <= bound
    statement = (
        select(runs.c.repeat, func.min(metrics.c.epoch))
        .join(metrics, metrics.c.run_key == runs.c.key)
        .where(*_succeeded(experiment, range(condition, condition + 1), split, [name]), metrics.c.kind == 0, met)
        .group_by(runs.c.repeat)
    )
    yield from map(tuple, connection.execute(statement))


def _succeeded(experiment: int, conditions: range, split: str, names: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """Metrics of the runs of some neighbouring conditions that have succeeded."""
    return (
        runs.c.experiment_key == experiment,
        runs.c.condition >= conditions.start,
        runs.c.condition < conditions.stop,
        runs.c.state == RunState.SUCCEEDED,
        metrics.c.split == split,
        metrics.c.name.in_(names),
    )


def histories(connection: Connection, experiment: int, condition: int) -> dict[int, dict[str, list[float]]]:
    """For each repeat of a condition its metrics of training and validation by name, a value for each epoch."""
    found: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    statement = (
        select(runs.c.repeat, metrics.c.split, metrics.c.name, metrics.c.value, metrics.c.kind)
        .join(runs, runs.c.key == metrics.c.run_key)
        .where(runs.c.experiment_key == experiment, runs.c.condition == condition, metrics.c.split != "test")
        .order_by(metrics.c.run_key, metrics.c.split, metrics.c.name, metrics.c.epoch)
    )
    for repeat, split, name, value, kind in connection.execute(statement):
        found[repeat][f"{split}_{name}"].append(decoded(value, kind))
    return {repeat: dict(lines) for repeat, lines in found.items()}
