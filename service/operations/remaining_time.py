"""Remaining time: who would do work that is asked for, and when what is being done will be done."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from memspan.experiment.fleet import WORK, Fleet, Work
from service.operations.context import Context
from service.queue_names import Queue
from service.storage import experiments, paces, workload
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.paces import HandsRecord, PaceRecord
from service.storage.states import ExperimentState
from service.storage.workload import TrainingRecord

SILENT_SECONDS = 60
"""a worker that has not beaten for so long isn't counted on"""
PRIOR_SECONDS = 5.0
"""of work at the model's own pace that stand beside what was measured: a pace seen for a moment is not believed yet"""


def fleet(connection: Connection) -> Fleet:
    """The workers that were heard of lately, at the pace of their machines."""
    hands, known = paces.hands(connection, SILENT_SECONDS), paces.known(connection)
    gpu = sum(each.count for each in hands if each.device != "cpu")
    here = [each for each in known if each.host in {mine.host for mine in hands}]
    return Fleet(sum(each.count for each in hands), gpu, _paces(hands, here))


def fleet_now(context: Context) -> Fleet:
    """The same, asked by itself."""
    with context.database.reading() as connection:
        return fleet(connection)


def _paces(hands: Sequence[HandsRecord], known: Sequence[PaceRecord]) -> Mapping[Work, float]:
    """The pace of all hands together for each kind of work that one of them has done: rates add up."""
    found: dict[Work, float] = {}
    for work in WORK:
        measured = {each.host: _pace(each.modelled, each.measured) for each in known if each.work == work}
        if measured:
            rate = sum(each.count / measured.get(each.host, 1.0) for each in hands)
            found[work] = sum(each.count for each in hands) / rate
    return found


def _pace(modelled: float, measured: float, prior: float = 1.0) -> float:
    return (measured + PRIOR_SECONDS * prior) / (modelled + PRIOR_SECONDS)


def remaining_seconds(connection: Connection, rows: Sequence[ExperimentRecord]) -> float | None:
    """Seconds until the last of some experiments ends; None while none of them runs.

    Workers take experiments of equal priority in turn, so until one ends each of the others has had as much of them,
    or its end; those of higher priority go first.
    """
    if not any(row.state == ExperimentState.RUNNING for row in rows):
        return None
    workers = fleet(connection)
    left, priority = defaultdict[int, float](float), dict[int, int]()
    for each in workload.training(connection, [row.key for row in rows]):
        left[each.experiment] += each.left * _own_pace(each, workers)
        priority[each.experiment] = each.priority
    for row in rows:
        left[row.key] += workers.seconds("probe", _probes_left(connection, row))
    return round(max(_ahead(row.key, left, priority) for row in rows) / workers.hands("cpu"), 1)


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
    wanted = len(row.spec["probes"]) * len(experiments.tested(connection, row.key))
    return row.probe_seconds * max(0.0, 1 - workload.probes_done(connection, row.key) / max(wanted, 1))
