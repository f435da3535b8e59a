"""After runs: what follows for an experiment when some of its runs or probes have ended."""

from collections.abc import Iterable, Mapping

from memspan.experiment.series import Series, is_search, series_of
from memspan.experiment.spec import ExperimentSpec
from service.operations.new_probes import of_condition
from service.operations.progress import counts_of, progress_body
from service.operations.searching import follow
from service.operations.specs import spec_of
from service.queue_names import Queue
from service.storage import events, experiments, probes, snapshots
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import ACTIVE, OPEN, ExperimentState, RunState


def follow_up(connection: Connection, experiment: int, ended: Iterable[int] = ()) -> set[Queue]:
    """Queue what follows conditions whose runs have all ended, and end the experiment when nothing is left.

    The caller holds the experiment's lock, so two workers that finish at once can't each wait for the other.

    Args:
        ended: conditions some of whose runs have just ended.

    Returns:
        the queues in which something new waits, for which the caller rings after its commit.
    """
    row = experiments.get(connection, experiment)
    if row is None or row.state not in ACTIVE:
        return set()
    queues = _follow(connection, row, ended) if row.cancelled_at is None else set()
    if not experiments.open_runs(connection, experiment):
        _end(connection, row)
    return queues


def _follow(connection: Connection, row: ExperimentRecord, ended: Iterable[int]) -> set[Queue]:
    """The next round of each search whose runs have all ended; probes, where there is none or no search."""
    spec, queues = spec_of(row), set[Queue]()
    if not spec.probes and not is_search(spec):
        return queues
    for series in series_of(spec, ended):
        if not experiments.open_runs(connection, row.key, series.positions):
            queues |= follow(connection, row, series) or _queue_probes(connection, row, spec, series)
    return queues


def _queue_probes(connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, series: Series) -> set[Queue]:
    """Queue the spec's probes of a series' conditions, all of whose runs have ended, at least one of them well."""
    conditions = experiments.succeeded(connection, row.key, series.positions) if spec.probes else ()
    weights = spec.report.checkpoint
    asked = [of_condition(row.key, each, weights, probe, required=True) for each in conditions for probe in spec.probes]
    probes.add(connection, asked)
    return {Queue.PROBE} if asked else set()


def _end(connection: Connection, row: ExperimentRecord) -> None:
    """Give an experiment without open runs its final state, unless probes are still asked."""
    asked = experiments.required_probe_counts(connection, row.key)
    if any(asked.get(state) for state in OPEN):
        return
    if row.cancelled_at is not None:
        wanted = len(row.spec["probes"]) * len(experiments.tested(connection, row.key))
        asked[RunState.CANCELLED] = asked.get(RunState.CANCELLED, 0) + wanted - sum(asked.values())
    counts = counts_of(connection, row)
    state = final_state(counts["runs"], asked, row.cancelled_at is not None)
    experiments.end(connection, row.key, state, counts)
    snapshots.drop_all(connection, row.key)
    body = progress_body(counts, state, eta_seconds=None)
    events.append(connection, row.key, ("progress", body), ("state", {"state": state}))
    events.forget_progress(connection, row.key, row.event_sequence)


def final_state(counts: dict[str, int], asked: Mapping[RunState, int], cancelled: bool) -> ExperimentState:
    """The state of an experiment whose runs and probes have all ended."""
    if counts["cancelled"] or asked.get(RunState.CANCELLED) or (cancelled and not counts["succeeded"]):
        return ExperimentState.CANCELLED
    if counts["succeeded"] == counts["total"] and not asked.get(RunState.FAILED):
        return ExperimentState.SUCCEEDED
    return ExperimentState.PARTIAL if counts["succeeded"] else ExperimentState.FAILED
