"""Rounds: the runs that follow from others, stored in the unit of work that ends those: of a length search the next
round, and what is reported once a setting is chosen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from memspan.experiment.placements import Placements
from memspan.experiment.rounds import Allocation, following
from memspan.experiment.series import Series, all_series, is_tuned
from memspan.interfaces.tunable import Setting
from service.operations.evidence import run_row
from service.operations.progress import counts_of, over_time, progress_body
from service.operations.queueing import probe_seconds, queued, store
from service.operations.remaining_time import remaining_seconds
from service.operations.specs import grid_of, spec_of
from service.queue_names import Queue
from service.storage import events, experiments, probes, runs
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.runs import ResultRecord


def follow(connection: Connection, row: ExperimentRecord, series: Series) -> set[Queue]:
    """Queue what follows the runs of a series, which have all ended; the queues in which it waits.

    None where the series is done: its span is known, its budget used up, or its setting is chosen and reported; where
    nothing can be chosen, since a run failed that would tell; or where the experiment's time is over. The caller holds
    the experiment's lock, so each round is queued exactly once, whoever else ends runs at the same moment.
    """
    positions = series.positions
    if series.search is None and not series.settings:
        return set()
    if probes.are_required(connection, row.key, positions) or over_time(connection, row):
        return set()
    stored = runs.for_results(connection, row.key, positions)
    allocations = following(spec_of(row), series, [run_row(each) for each in stored])
    return _queue(connection, row, allocations, stored) if allocations else set()


def is_waiting(connection: Connection, row: ExperimentRecord) -> bool:
    """Whether something follows in an experiment that has ended, since it was cancelled or ran out of time before."""
    spec = spec_of(row)
    if not is_tuned(spec):
        return False
    stored = [run_row(each) for each in runs.for_results(connection, row.key)]
    return any(
        following(spec, series, [run for run in stored if run.condition in series.positions])
        for series in all_series(spec)
    )


def _queue(
    connection: Connection, row: ExperimentRecord, allocations: Sequence[Allocation], before: Sequence[ResultRecord]
) -> set[Queue]:
    """Insert a round's runs and tell listeners.

    Whether there is a GPU was seen when the experiment was submitted: its first runs tell.
    """
    number = max(each.round for each in before) + 1
    gpu = any(each.queue is Queue.GPU for each in before)
    placements = Placements(spec_of(row), gpu)
    added = queued(placements, allocations, number)
    count = sum(each.stack.runs for each in added)
    store(connection, row.key, spec_of(row).priority, added, followed=True)
    experiments.grow(connection, row.key, count, probe_seconds(placements, allocations))
    grown = replace(row, runs=row.runs + count)
    progress = progress_body(counts_of(connection, grown), row.state, remaining_seconds(connection, [grown]))
    events.append(connection, row.key, ("round", _told(row, allocations, number)), ("progress", progress))
    return {each.stack.queue for each in added}


def _told(row: ExperimentRecord, allocations: Sequence[Allocation], number: int) -> dict[str, Any]:
    """What an event says of a round; its setting is empty where nothing is tuned."""
    conditions = grid_of(row)
    asked = [(conditions[allocation.position], len(allocation.repeats)) for allocation in allocations]
    first = asked[0][0]
    return {
        "task": first.task.kind,
        "model": first.model.kind,
        "condition": allocations[0].position,
        "round": number,
        "setting": dict(_setting(row, allocations[0].position)),
        "lengths": [condition.length for condition, _ in asked],
        "repeats": [repeats for _, repeats in asked],
    }


def _setting(row: ExperimentRecord, position: int) -> Setting:
    """The setting by which the runs of a condition are trained."""
    training = spec_of(row).training
    trained = grid_of(row)[position].training
    return next(each for each in training.settings if training.with_setting(each) == trained) if training.tuned else {}
