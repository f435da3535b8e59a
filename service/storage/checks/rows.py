"""Rows agree with their own state: only what runs is leased, what has ended says when and with what."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Table, and_, func, not_, or_, select

from service.storage.states import RunState
from service.storage.tables import checkpoints, experiments, probes, runs, stacks

ADVICE = "Retry or delete what is named; if it comes again, the log of that time tells why."
ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)
MOST_NAMED = 20


def rules() -> Iterator[tuple[Table, str, ColumnElement[bool]]]:
    """Table, what is wrong, and the rows of which it is."""
    for table in (stacks, probes):
        running = table.c.state == RunState.RUNNING
        leased = and_(table.c.lease.is_not(None), table.c.lease_until.is_not(None))
        yield table, "run without a lease", and_(running, not_(leased))
        yield table, "hold a lease and do not run", and_(not_(running), table.c.lease.is_not(None))
    for table in (runs, probes):
        yield table, "have ended and do not say when", and_(table.c.state.in_(ENDED), table.c.finished_at.is_(None))
        yield table, "failed without a reason", and_(table.c.state == RunState.FAILED, table.c.reason.is_(None))
        yield table, "are in no state that there is", table.c.state.not_in(list(RunState))
    kinds = select(func.count()).where(checkpoints.c.run_key == runs.c.key).scalar_subquery()
    succeeded = runs.c.state == RunState.SUCCEEDED
    yield runs, "succeeded without final metrics", and_(succeeded, runs.c.metrics.is_(None))
    dropped = select(experiments.c.key).where(experiments.c.kept.is_not(None))
    whole = runs.c.experiment_key.not_in(dropped)
    yield runs, "succeeded without any checkpoint", and_(succeeded, kinds == 0, whole)
    yield runs, "stand before their beginning", runs.c.epochs_done < 0
    yield stacks, "stand before their beginning", or_(stacks.c.resume_epoch < 0, stacks.c.resume_step < 0)
    answered = probes.c.state == RunState.SUCCEEDED
    yield probes, "succeeded without a result", and_(answered, or_(probes.c.result.is_(None), probes.c.n.is_(None)))


def find(connection: Connection) -> Iterator[str]:
    """The rules that don't hold, each with the keys of the first rows."""
    for table, wrong, where in rules():
        count = connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()
        if count:
            keys = connection.execute(
                select(table.c.key).where(where).order_by(table.c.key).limit(MOST_NAMED)
            ).scalars()
            named = ", ".join(f"{table.name.removesuffix('s')}-{key}" for key in keys)
            yield f"{count} {table.name} {wrong}: {named}{' and more' if count > MOST_NAMED else ''}."
