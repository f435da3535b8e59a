"""Weights are what the training stored: their sha256 is their name."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import Connection, select

from service.storage import checkpoints as stored
from service.storage.tables import blobs, checkpoints, datasets

ADVICE = "Restore a backup, or train these runs again; until then nothing is answered from these weights."


def find(connection: Connection) -> Iterator[str]:
    """Blobs whose bytes are others, one read at a time."""
    for sha256, size in connection.execute(select(blobs.c.sha256, blobs.c.bytes).order_by(blobs.c.sha256)).all():
        found, length = _digest(connection, sha256)
        if (found, length) != (sha256, size):
            users = connection.execute(select(checkpoints.c.key).where(checkpoints.c.sha256 == sha256)).scalars()
            sets = connection.execute(select(datasets.c.key).where(datasets.c.sha256 == sha256)).scalars()
            named = ", ".join([*(f"ckpt-{key}" for key in users), *(f"data-{key}" for key in sets)]) or "no checkpoint"
            yield f"The weights {sha256} of {named} have the sha256 {found}, and {length} bytes of {size}."


def _digest(connection: Connection, sha256: str) -> tuple[str, int]:
    digest, size, number = hashlib.sha256(), 0, 0
    while (piece := stored.piece(connection, sha256, number)) is not None:
        digest.update(piece)
        size, number = size + len(piece), number + 1
    return digest.hexdigest(), size
