"""Final states: how runs and probes come to their last state. What a worker ends it must still hold."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from service.storage import snapshots
from service.storage.clock import now
from service.storage.leases import held
from service.storage.moving import move
from service.storage.runs import RunOutcome
from service.storage.states import Reason, RunState
from service.storage.tables import probes, runs


def finish(connection: Connection, outcomes: Sequence[RunOutcome]) -> None:
    """Let runs succeed, with their final metrics and times."""
    rows = [vars(each) for each in outcomes]
    columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "run"}
    connection.execute(update(runs).where(runs.c.key == bindparam("run")).values(**columns), rows)
    keys = [each.run for each in outcomes]
    snapshots.drop(connection, keys)
    move(connection, runs, RunState.SUCCEEDED, runs.c.key.in_(keys), values={"finished_at": now()})


def end(connection: Connection, lease: str, state: RunState, reason: Reason | None, detail: str | None) -> int:
    """End what is still held of a lease's runs as failed or cancelled; how many that are."""
    values = {"reason": reason, "detail": detail, "finished_at": now()}
    keys = move(connection, runs, state, held(runs, lease), values=values)
    snapshots.drop(connection, keys)
    return len(keys)


def time_out(connection: Connection, experiment: int, detail: str) -> set[int]:
    """Fail the waiting runs of an experiment that used up its time; their conditions."""
    waiting = (runs.c.experiment_key == experiment, runs.c.state == RunState.QUEUED)
    conditions = set(connection.execute(select(runs.c.condition).where(*waiting).distinct()).scalars())
    values = {"reason": Reason.TIMEOUT, "detail": detail, "finished_at": now()}
    move(connection, runs, RunState.FAILED, *waiting, values=values, source=RunState.QUEUED)
    return conditions


def cancel_waiting(connection: Connection, experiment: int) -> None:
    """Cancel all that waits of an experiment."""
    for table in (runs, probes):
        mine = table.c.experiment_key == experiment
        values = {"finished_at": now()}
        move(connection, table, RunState.CANCELLED, mine, source=RunState.QUEUED, values=values)


def answer_probe(connection: Connection, lease: str, result: dict[str, Any], n: int) -> bool:
    """Store what a probe measured over ``n`` repeats; whether it was still held."""
    values = {"result": result, "n": n, "finished_at": now()}
    return bool(move(connection, probes, RunState.SUCCEEDED, held(probes, lease), values=values))


def fail_probe(connection: Connection, lease: str, reason: Reason, detail: str) -> bool:
    """Store why a probe has no answer; whether it was still held."""
    values = {"reason": reason, "detail": detail, "finished_at": now()}
    return bool(move(connection, probes, RunState.FAILED, held(probes, lease), values=values))
