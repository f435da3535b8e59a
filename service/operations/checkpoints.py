"""What a user may see of checkpoints."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from service.errors import NotFound, WeightsDamaged
from service.operations import ids
from service.operations.context import Context
from service.storage import checkpoints
from service.storage.checkpoints import CheckpointRecord
from service.storage.contents import Bytes, Damaged
from service.storage.database import Connection

log = structlog.stdlib.get_logger("memspan.storage")


def look(context: Context, key: int) -> CheckpointRecord:
    """A checkpoint with its run and its experiment's spec, or NotFound."""
    with context.database.reading() as connection:
        row = checkpoints.get(connection, key)
    if row is None:
        raise NotFound(f"There is no checkpoint {ids.public(ids.CHECKPOINT, key)}.")
    return row


@dataclass(frozen=True)
class Weights:
    """The safetensors bytes of a checkpoint, held against their sha256; what is large is read piece by piece."""

    context: Context
    sha256: str
    size: int
    first: bytes

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes ``start .. stop``; what has become others meanwhile is not sent to its end.

        Raises:
            WeightsDamaged: they have.
        """
        digest, position = hashlib.sha256(), 0
        for piece in self._pieces(stop):
            digest.update(piece)
            end = position + len(piece)
            if end == self.size and digest.hexdigest() != self.sha256:
                raise damaged(Damaged(self.sha256, digest.hexdigest()))
            if end > start:
                yield piece[max(start - position, 0) : stop - position]
            position = end
        if position < stop:
            raise damaged(Damaged(self.sha256, f"of {position} bytes"))

    def _pieces(self, stop: int) -> Iterator[bytes]:
        """The pieces up to ``stop``, each read by itself: a slow client must not keep a transaction open."""
        yield self.first
        position, number = len(self.first), 1
        while position < stop and (piece := _piece(self.context, self.sha256, number)):
            yield piece
            position, number = position + len(piece), number + 1


def _piece(context: Context, sha256: str, number: int) -> bytes | None:
    with context.database.reading() as connection:
        return checkpoints.piece(connection, sha256, number)


def weights(context: Context, key: int) -> Weights:
    """The weights of a checkpoint.

    Raises:
        NotFound: there is no such checkpoint.
        WeightsDamaged: what is stored is something else.
    """
    sha256 = look(context, key).sha256
    first, digest, size, number = b"", hashlib.sha256(), 0, 0
    while piece := _piece(context, sha256, number):
        digest.update(piece)
        first, size, number = first or piece, size + len(piece), number + 1
    if digest.hexdigest() != sha256:
        raise damaged(Damaged(sha256, digest.hexdigest()))
    return Weights(context, sha256, size, first)


def loaded(context: Context, key: int) -> tuple[CheckpointRecord, Bytes]:
    """A checkpoint with its weights; raises as ``weights`` does."""
    row = look(context, key)
    with context.database.reading() as connection:
        return row, data_of(connection, row.sha256)


def data_of(connection: Connection, sha256: str) -> Bytes:
    """The bytes of weights, or WeightsDamaged."""
    try:
        found = checkpoints.data(connection, sha256)
    except Damaged as error:
        raise damaged(error) from None
    if found is None:
        raise damaged(Damaged(sha256, "of nothing"))
    return found


def damaged(error: Damaged) -> WeightsDamaged:
    """What is told of damaged weights; the log has their digest, by which ``memspan doctor`` finds them."""
    log.error("weights_damaged", sha256=error.expected, found=error.found)
    return WeightsDamaged(
        "The stored weights are not what the training stored: their sha256 is another. No numbers are made of them. "
        "`memspan doctor` names all that is damaged; restore a backup, or train them again."
    )
