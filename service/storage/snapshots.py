"""SQL over snapshots: where runs go on."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from service.storage import contents
from service.storage.contents import Bytes, Content
from service.storage.tables import runs, snapshots, stacks


def store(connection: Connection, stack: int, content_of: Mapping[int, Content], epoch: int, step: int) -> None:
    """Replace the snapshots of a stack's runs, all at one position; getting somewhere clears its losses."""
    drop(connection, list(content_of))
    rows = [
        {"run_key": key, "sha256": each.sha256, "bytes": each.size, "data": each.first}
        for key, each in content_of.items()
    ]
    connection.execute(insert(snapshots), rows)
    uploaded = {key: each.upload for key, each in content_of.items() if each.upload is not None}
    contents.for_snapshots(connection, uploaded)
    values = {"resume_epoch": epoch, "resume_step": step, "lost": 0}
    connection.execute(update(stacks).where(stacks.c.key == stack).values(**values))


def drop(connection: Connection, runs_of: Sequence[int]) -> None:
    """Forget where runs, given by their keys, stood."""
    connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(runs_of)))


def drop_of_stacks(connection: Connection, keys: Collection[int]) -> None:
    """Forget where the runs of stacks stood."""
    if keys:
        own = select(runs.c.key).where(runs.c.stack_key.in_(keys))
        connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(own)))


def data(connection: Connection, run: int) -> Bytes | None:
    """The snapshot of a run, given by its key, as it was stored.

    Raises:
        Damaged: it is another.
    """
    row = connection.execute(select(snapshots).where(snapshots.c.run_key == run)).one_or_none()
    if row is None:
        return None
    return contents.whole(row.sha256 or "none", row.bytes, row.data, contents.rest_of_snapshot(connection, run))


def restart(connection: Connection, stack: int, keys: Sequence[int]) -> float:
    """Forget where the runs of a stack stood, which begin again; the epochs that they had done, all together."""
    drop(connection, keys)
    mine = runs.c.key.in_(keys)
    done = connection.execute(select(func.sum(runs.c.epochs_done)).where(mine)).scalar_one()
    connection.execute(update(stacks).where(stacks.c.key == stack).values(resume_epoch=0, resume_step=0))
    connection.execute(update(runs).where(mine).values(epochs_done=0))
    return float(done or 0.0)
