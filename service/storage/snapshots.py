"""SQL over snapshots: where runs go on."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from service.storage import contents
from service.storage.contents import Bytes, Content
from service.storage.tables import runs, snapshots


def store(connection: Connection, content_of: Mapping[int, Content], epoch: int, step: int) -> None:
    """Replace the snapshots of runs, all at one position; getting somewhere clears their losses."""
    keys = list(content_of)
    drop(connection, keys)
    rows = [
        {"run_key": key, "sha256": each.sha256, "bytes": each.size, "data": each.first}
        for key, each in content_of.items()
    ]
    connection.execute(insert(snapshots), rows)
    uploaded = {key: each.upload for key, each in content_of.items() if each.upload is not None}
    contents.for_snapshots(connection, uploaded)
    values = {"resume_epoch": epoch, "resume_step": step, "lost": 0}
    connection.execute(update(runs).where(runs.c.key.in_(keys)).values(**values))


def data(connection: Connection, run: int) -> Bytes | None:
    """The snapshot of a run, given by its key, as it was stored.

    Raises:
        Damaged: it is another.
    """
    row = connection.execute(select(snapshots).where(snapshots.c.run_key == run)).one_or_none()
    if row is None:
        return None
    return contents.whole(row.sha256 or "none", row.bytes, row.data, contents.rest_of_snapshot(connection, run))


def drop(connection: Connection, runs_of: Sequence[int]) -> None:
    """Forget where runs, given by their keys, stood."""
    connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(runs_of)))


def drop_all(connection: Connection, experiment: int) -> None:
    """Forget where the runs of an experiment stood, when it has ended."""
    own = select(runs.c.key).where(runs.c.experiment_key == experiment)
    connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(own)))


def restart(connection: Connection, keys: Sequence[int]) -> None:
    """Forget where runs stood: they begin again."""
    drop(connection, keys)
    values = {"resume_epoch": 0, "resume_step": 0, "epochs_done": 0}
    connection.execute(update(runs).where(runs.c.key.in_(keys)).values(**values))
