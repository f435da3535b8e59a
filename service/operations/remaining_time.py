"""Remaining time: who would do work that is asked for, and when what is being done will be done."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from memspan.engine.placement import Device
from memspan.experiment.fleet import Fleet, Work
from memspan.experiment.plan import DEVICES
from memspan.experiment.series import grows
from service.operations.context import Context
from service.operations.specs import grid_of, spec_of
from service.operations.tested import tested_of
from service.queue_names import Queue
from service.storage import paces, workload
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.paces import PaceRecord, StaffRecord
from service.storage.states import ExperimentState
from service.storage.workload import TrainingRecord

SILENT_SECONDS = 60
"""a worker that has not beaten for so long isn't counted on"""
PRIOR_SECONDS = 5.0
"""of work at the model's own pace that stand beside what was measured: a pace seen for a moment is not believed yet"""


def fleet(connection: Connection) -> Fleet:
    """The workers that were heard of lately, at the pace of their machines."""
    staff = paces.staff(connection, SILENT_SECONDS)
    known = paces.known(connection, [each.host for each in staff])
    cpu, gpu = sum(each.cpu for each in staff), sum(each.gpu for each in staff)
    return Fleet(cpu, gpu, {work: _pace_of(work, staff, known) for work in {each.work for each in known}})


def fleet_now(context: Context) -> Fleet:
    """The same, asked by itself."""
    with context.database.reading() as connection:
        return fleet(connection)


def _pace_of(work: Work, staff: Sequence[StaffRecord], known: Sequence[PaceRecord]) -> float:
    """The pace of all who do a kind of work together: rates add up."""
    measured = {each.host: _pace(each.modelled, each.measured) for each in known if each.work == work}
    counts = [(each.host, _doing(work, each)) for each in staff]
    rate = sum(count / measured.get(host, 1.0) for host, count in counts)
    return sum(count for _, count in counts) / rate if rate else 1.0


def _doing(work: Work, each: StaffRecord) -> int:
    """How many workers of a machine do a kind of work."""
    return each.gpu if work == "gpu" else each.workers if work == "probe" else each.cpu


def _pace(modelled: float, measured: float, prior: float = 1.0) -> float:
    return (measured + PRIOR_SECONDS * prior) / (modelled + PRIOR_SECONDS)


def remaining_seconds(connection: Connection, rows: Sequence[ExperimentRecord]) -> float | None:
    """Seconds until the last of some experiments ends; None while none of them runs.

    Workers take experiments of equal priority in turn, so until one ends each of the others has had as much of them,
    or its end; those of higher priority go first.
    """
    if not any(row.state == ExperimentState.RUNNING for row in rows):
        return None
    workers, keys = fleet(connection), [row.key for row in rows]
    found = workload.training(connection, keys)
    probing = {row.key: workers.seconds("probe", _probes_left(connection, row)) for row in rows}
    return round(max(_on(device, found, probing, workers) for device in DEVICES), 1)


def remaining_lately(context: Context, connection: Connection, row: ExperimentRecord) -> float | None:
    """The same for one experiment, some seconds old at most: progress is told often, while the database is locked."""
    version = time.monotonic_ns()
    return context.remaining.get(row.key, version, True, lambda: remaining_seconds(connection, [row]))


def _on(device: Device, found: Sequence[TrainingRecord], probing: Mapping[int, float], workers: Fleet) -> float:
    """Seconds until what is trained on a kind of device has ended; processors answer the probes."""
    left = defaultdict[int, float](float, probing if device == "cpu" else {})
    priority, longest = dict[int, int](), 0.0
    for each in found:
        if (each.queue is Queue.GPU) == (device == "gpu"):
            pace = _own_pace(each, workers)
            left[each.experiment] += each.left * pace
            priority[each.experiment] = each.priority
            if each.experiment in probing:
                longest = max(longest, each.longest * pace)
    ahead = max((_ahead(key, left, priority) for key in probing), default=0.0)
    return max(ahead / workers.hands(device), longest)


def _ahead(key: int, left: Mapping[int, float], priority: Mapping[int, int]) -> float:
    """Seconds of one worker that are spent before an experiment ends."""
    own, mine = left.get(key, 0.0), priority.get(key, 0)
    higher = sum(seconds for other, seconds in left.items() if priority.get(other, mine) > mine)
    return higher + sum(min(seconds, own) for other, seconds in left.items() if priority.get(other, mine) == mine)


def _own_pace(record: TrainingRecord, workers: Fleet) -> float:
    """The pace of an experiment: that of the workers, until its own runs have shown it."""
    work: Work = "gpu" if record.queue is Queue.GPU else "fused" if record.engine == "fused" else "torch"
    return _pace(record.modelled, record.measured, workers.pace.get(work, 1.0))


def _probes_left(connection: Connection, row: ExperimentRecord) -> float:
    """Modelled seconds of an experiment's probes that have no answer yet."""
    if not row.probe_seconds:
        return 0.0
    tested = tested_of(connection, row) if grows(spec_of(row)) else grid_of(row)
    wanted = len(row.spec["probes"]) * len(tested)
    return row.probe_seconds * max(0.0, 1 - workload.probes_done(connection, row.key) / max(wanted, 1))
