"""What a user may see of checkpoints."""

from service.errors import NotFound
from service.operations import ids
from service.operations.context import Context
from service.storage import checkpoints
from service.storage.checkpoints import CheckpointRecord


def look(context: Context, key: int) -> CheckpointRecord:
    """A checkpoint with its run and its experiment's spec, or NotFound."""
    with context.database.reading() as connection:
        row = checkpoints.get(connection, key)
    if row is None:
        raise NotFound(f"There is no checkpoint {ids.public(ids.CHECKPOINT, key)}.")
    return row


def weights(context: Context, key: int) -> tuple[str, bytes]:
    """The sha256 and the safetensors bytes of a checkpoint, or NotFound."""
    with context.database.reading() as connection:
        row = checkpoints.get(connection, key)
        data = checkpoints.data(connection, row.sha256) if row else None
    if row is None or data is None:
        raise NotFound(f"There is no checkpoint {ids.public(ids.CHECKPOINT, key)}.")
    return row.sha256, data
