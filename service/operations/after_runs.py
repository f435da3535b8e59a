"""After runs: what follows for an experiment when some of its runs or probes have ended."""

from collections.abc import Iterable, Mapping

from memspan.experiment.series import Series, grows, series_of
from memspan.experiment.spec import ExperimentSpec
from service.operations.context import Context
from service.operations.new_probes import of_condition
from service.operations.progress import counts_of, progress_body
from service.operations.rounds import follow, is_waiting
from service.operations.specs import grid_of, spec_of
from service.operations.telling import ended
from service.operations.tested import tested_of
from service.queue_names import Queue
from service.storage import conditions, events, experiments, probes, tallies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.final_states import Ended
from service.storage.states import ACTIVE, OPEN, ExperimentState, RunState


def settle(connection: Connection, ended: Ended, shard: int = tallies.OTHERS) -> set[Queue]:
    """Queue what follows conditions whose runs have all ended, and add to the experiment's tallies.

    Returns:
        the queues in which something new waits, for which the caller rings after its commit.
    """
    row = _locked(connection, ended.experiment) if ended.conditions else None
    tallies.add(connection, ended.experiment, ended.changes, shard)  # last: workers share these rows
    return _follow(connection, row, sorted(ended.conditions)) if row else set()


def _locked(connection: Connection, experiment: int) -> ExperimentRecord | None:
    """An experiment in which something may follow, kept from being cancelled meanwhile.

    The rows of conditions settle who sees to each; what grows, conditions together, is seen to by one at a time.
    """
    row = experiments.get(connection, experiment)
    if row is None:
        return None
    lock = experiments.lock if grows(spec_of(row)) else experiments.lock_shared
    row = lock(connection, experiment)
    return row if row is not None and row.state in ACTIVE and row.cancelled_at is None else None


def follow_again(connection: Connection, row: ExperimentRecord) -> set[Queue]:
    """Queue what follows any condition of an experiment that was not queued, should there be such; it is locked."""
    return follow_some(connection, row, range(len(grid_of(row)))) if row.cancelled_at is None else set()


def follow_some(connection: Connection, row: ExperimentRecord, positions: Iterable[int]) -> set[Queue]:
    """The same for some of its conditions; those that have open runs are left."""
    return _follow(connection, row, positions)


def _follow(connection: Connection, row: ExperimentRecord, done: Iterable[int]) -> set[Queue]:
    """What follows from the runs of each series, which have all ended; its probes, where nothing does."""
    spec, queues = spec_of(row), set[Queue]()
    for series in series_of(spec, done):
        if not conditions.open_runs(connection, row.key, series.positions):
            queues |= follow(connection, row, series) or _queue_probes(connection, row, spec, series)
    return queues


def is_followed(spec: ExperimentSpec) -> bool:
    """Whether something follows a condition whose runs have all ended."""
    return bool(spec.probes) or grows(spec)


def end_if_done(context: Context, experiment: int) -> bool:
    """End an experiment in which nothing is left to do; whether it has ended.

    Asked after the commit of whatever ended something: of two that end the last two runs at once, neither sees the
    other's before its own commit, and the later one sees both.
    """
    with context.database.asking() as connection:
        if tallies.open_left(connection, experiment):
            return False
    with context.database.writing() as connection:
        row = experiments.lock(connection, experiment)
        over = row is not None and end_locked(connection, row)
    if over:
        context.turns_to_tell.over(experiment)
    return over


def end_locked(connection: Connection, row: ExperimentRecord) -> bool:
    """The same for one that the caller has locked."""
    if row.state not in ACTIVE or tallies.open_left(connection, row.key):
        return row.state not in ACTIVE
    return _end(connection, row)


def _queue_probes(connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, series: Series) -> set[Queue]:
    """Queue the spec's probes of a series' conditions, all of whose runs have ended, at least one of them well."""
    trained = experiments.succeeded(connection, row.key, series.reported) if spec.probes else ()
    weights = spec.report.checkpoint
    asked = [of_condition(row.key, each, weights, probe, required=True) for each in trained for probe in spec.probes]
    probes.add(connection, asked)
    return {Queue.PROBE} if asked else set()


def _end(connection: Connection, row: ExperimentRecord) -> bool:
    """Give an experiment without open runs its final state, unless probes are still asked; whether it has ended."""
    asked = experiments.required_probe_counts(connection, row.key)
    if any(asked.get(state) for state in OPEN):
        return False
    if row.cancelled_at is not None:
        wanted = len(row.spec["probes"]) * len(tested_of(connection, row))
        asked[RunState.CANCELLED] = asked.get(RunState.CANCELLED, 0) + wanted - sum(asked.values())
    counts = counts_of(connection, row)
    state = final_state(counts["runs"], asked, row.cancelled_at is not None)
    if state is ExperimentState.SUCCEEDED and is_waiting(connection, row):
        state = ExperimentState.PARTIAL if row.cancelled_at is None else ExperimentState.CANCELLED
    experiments.end(connection, row.key, state, counts)
    body = progress_body(counts, state, eta_seconds=None)
    events.append(connection, row.key, *ended(connection, row), ("progress", body), ("state", {"state": state}))
    events.forget_progress(connection, row.key, row.event_sequence)
    return True


def final_state(counts: dict[str, int], asked: Mapping[RunState, int], cancelled: bool) -> ExperimentState:
    """The state of an experiment whose runs and probes have all ended."""
    if counts["cancelled"] or asked.get(RunState.CANCELLED) or (cancelled and not counts["succeeded"]):
        return ExperimentState.CANCELLED
    if counts["succeeded"] == counts["total"] and not asked.get(RunState.FAILED):
        return ExperimentState.SUCCEEDED
    return ExperimentState.PARTIAL if counts["succeeded"] else ExperimentState.FAILED
