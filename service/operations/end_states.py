"""End states: the snapshot of a run at its end, made of what is kept of it, so that it may go on for more epochs.

That is possible where the optimiser remembers nothing beside the weights; what it remembers is not kept.
"""

from memspan.engine.condition import Condition
from memspan.engine.snapshot import Position, Snapshot, SnapshotUnreadable
from memspan.engine.weight_rows import WeightRows
from memspan.experiment.checkpoint import unpacked
from service.storage import checkpoints, metrics, reopening
from service.storage.contents import Bytes
from service.storage.database import Connection


def snapshot_at_end(connection: Connection, condition: Condition, run: int, epoch: int) -> Snapshot:
    """Where a run stood after so many epochs, its last ones.

    Raises:
        SnapshotUnreadable: not all of it is kept.
        Damaged: its weights are others.
    """
    kept = {each.kind: each for each in checkpoints.of_run(connection, run)}
    if kept.keys() != {"best", "last"} or kept["last"].epoch != epoch or condition.training.optimizer.slots():
        raise SnapshotUnreadable("What the run ended with is not kept.")
    rows = WeightRows(condition.network())
    vectors = {
        name: rows.row(unpacked(_weights(connection, kept[kind].key)))
        for name, kind in (("weights", "last"), ("best", "best"))
    }
    measured = metrics.of_run(connection, run)
    latest = {f"{each.split}_{each.name}": each.value for each in measured if each.epoch == epoch}
    best_epoch = kept["best"].epoch
    losses = {each.epoch: each.value for each in measured if (each.split, each.name) == ("validation", "loss")}
    if best_epoch not in losses:
        raise SnapshotUnreadable("What the run measured is not kept.")
    return Snapshot(
        Position(
            epoch=epoch,
            best_loss=losses[best_epoch],
            best_epoch=best_epoch,
            latest=latest,
            processor=reopening.processor_of(connection, run) or "",
        ),
        vectors,
    )


def _weights(connection: Connection, key: int) -> Bytes:
    row = checkpoints.get(connection, key)
    data = checkpoints.data(connection, row.sha256) if row is not None else None
    if data is None:
        raise SnapshotUnreadable("The weights are gone.")
    return data
