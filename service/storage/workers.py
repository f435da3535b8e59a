"""SQL over workers and leaderships."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.clock import now
from service.storage.states import RunState
from service.storage.tables import leaderships, probes, runs, workers


def register(connection: Connection, values: dict[str, Any]) -> None:
    """A worker says that it is there."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {**values, "state": "idle", "claim": None}
    statement = make(workers).values(started_at=now(), beat_at=now(), **row)
    changed = {**row, "beat_at": now()}
    connection.execute(statement.on_conflict_do_update(index_elements=[workers.c.name], set_=changed))


def beat(connection: Connection, name: str, state: str, claim: str | None) -> bool:
    """A worker is still there; False when nobody knows it any more."""
    statement = update(workers).where(workers.c.name == name).values(beat_at=now(), state=state, claim=claim)
    return connection.execute(statement).rowcount == 1


def leave(connection: Connection, name: str) -> None:
    connection.execute(delete(workers).where(workers.c.name == name))


def all_with_age(connection: Connection) -> Sequence[Row[Any]]:
    """Every known worker, with the seconds since its last beat as ``age``, and as ``held`` the experiment it works on.

    What it works on is told by the rows that it holds: a beat is up to a quarter of a lease old.
    """
    age = (now() - workers.c.beat_at).label("age")
    held = func.coalesce(_held(probes), _held(runs)).label("held")
    return connection.execute(select(workers, age, held).order_by(workers.c.started_at, workers.c.name)).all()


def _held(table: Table) -> ScalarSelect[Any]:
    """The experiment of the rows of a table that a worker holds. A probe is asked in the middle of training."""
    mine = (table.c.state == RunState.RUNNING, table.c.worker == workers.c.name)
    return select(func.min(table.c.experiment_key)).where(*mine).correlate(workers).scalar_subquery()


def children(connection: Connection, parent: str) -> Sequence[Row[Any]]:
    return connection.execute(select(workers).where(workers.c.parent == parent)).all()


def forget_silent(connection: Connection, seconds: float) -> None:
    """Drop workers that have not beaten for so long."""
    connection.execute(delete(workers).where(workers.c.beat_at < now() - seconds))


def lead(connection: Connection, name: str, owner: str, seconds: float) -> bool:
    """Take or keep a leadership; whether ``owner`` has it now."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = make(leaderships).values(name=name, owner=owner, until=now() + seconds)
    free = (leaderships.c.until < now()) | (leaderships.c.owner == owner)
    statement = new.on_conflict_do_update(
        index_elements=[leaderships.c.name], set_={"owner": owner, "until": now() + seconds}, where=free
    )
    return connection.execute(statement.returning(leaderships.c.owner)).scalar_one_or_none() == owner
