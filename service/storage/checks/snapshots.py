"""Snapshots are what the training stored: their sha256 is the one that was noted."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from service.storage import snapshots as stored
from service.storage.checks import AT_ONCE
from service.storage.contents import Damaged
from service.storage.states import RunState
from service.storage.tables import runs, snapshots

ADVICE = "Their runs start again when they are claimed; memspan doctor --mend lets them at once."


def find(connection: Connection) -> Iterator[str]:
    """Snapshots whose bytes are others, one read at a time."""
    for key in _damaged(connection):
        yield f"The snapshot of run-{key} is damaged."


def mend(connection: Connection) -> int:
    """Drop damaged snapshots of runs that wait or have ended: what waits starts again; what runs replaces its own."""
    mended = []
    for key in _damaged(connection):
        state = connection.execute(select(runs.c.state).where(runs.c.key == key).with_for_update()).scalar_one()
        if state is not RunState.RUNNING:
            mended.append(key)
        if len(mended) == AT_ONCE:
            break
    stored.drop(connection, mended)
    return len(mended)


def _damaged(connection: Connection) -> Iterator[int]:
    for key in connection.execute(select(snapshots.c.run_key).order_by(snapshots.c.run_key)).scalars().all():
        try:
            stored.data(connection, key)
        except Damaged:
            yield key
