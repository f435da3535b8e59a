"""SQL over snapshots: where runs go on."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from service.storage.tables import runs, snapshots


def store(connection: Connection, snapshot_of: Mapping[int, bytes], epoch: int, step: int) -> None:
    """Replace the snapshots of runs, all at one position; getting somewhere clears their losses."""
    keys = list(snapshot_of)
    drop(connection, keys)
    connection.execute(insert(snapshots), [{"run_key": key, "data": data} for key, data in snapshot_of.items()])
    values = {"resume_epoch": epoch, "resume_step": step, "lost": 0}
    connection.execute(update(runs).where(runs.c.key.in_(keys)).values(**values))


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
