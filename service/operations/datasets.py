"""What a user does with data sets: send, list, look, delete."""

from collections.abc import Sequence
from typing import IO

import structlog

from memspan.datasets import shelf
from memspan.tables.description import Description
from memspan.tables.options import ReadOptions
from service.errors import Conflict, NotFound
from service.operations import audit, ids, intake, quotas, room
from service.operations.action import Action
from service.operations.caller import Caller
from service.operations.context import Context
from service.operations.intake import Read
from service.operations.quotas import Demand
from service.operations.submission import word
from service.operations.uploads import drop
from service.storage import datasets
from service.storage.database import Connection
from service.storage.datasets import DatasetRecord, NewDataset

NAMED = 5
"""experiments that are named where they need a data set"""

log = structlog.stdlib.get_logger("memspan.datasets")


def rehearse(context: Context, file: IO[bytes], options: ReadOptions) -> Read:
    """What would be understood of a file; nothing is stored."""
    return intake.read(context, file, options, dry_run=True)


def add(context: Context, name: str, file: IO[bytes], options: ReadOptions, caller: Caller) -> DatasetRecord:
    """Store what is understood of a file.

    Raises:
        Unprocessable: it can't be used, or has more bytes than a quota of the caller allows.
        QuotaExceeded: it has more than are left.
        NoRoom: the disk is full.
    """
    room.require(context)
    read = intake.read(context, file, options)
    content = read.content
    try:
        with context.database.writing() as connection:
            quotas.take(connection, caller, Demand(stored_bytes=content.size))
            said, shown = (part.model_dump(mode="json") for part in (read.description, read.preview))
            new = NewDataset(name, content.sha256, content.size, said, shown, caller.name)
            key = datasets.add(connection, new, content)
            audit.note(connection, caller, Action.UPLOAD_DATASET, ids.public(ids.DATASET, key), 201, name)
            found = _found(connection, key)
    except BaseException:
        drop(context, [content])
        raise
    log.info("dataset_stored", dataset=ids.public(ids.DATASET, key), bytes=content.size, rows=read.description.rows)
    return found


def look(context: Context, key: int) -> DatasetRecord:
    """One data set, or NotFound."""
    with context.database.reading() as connection:
        return _found(connection, key)


def _found(connection: Connection, key: int) -> DatasetRecord:
    row = datasets.get(connection, key)
    if row is None:
        raise _missing(key)
    return row


def _missing(key: int) -> NotFound:
    return NotFound(f"There is no data set {ids.public(ids.DATASET, key)}.")


def preview(context: Context, key: int) -> dict[str, object]:
    """The first rows of a data set and its coarse curves, or NotFound."""
    with context.database.reading() as connection:
        found = datasets.preview(connection, key)
    if found is None:
        raise _missing(key)
    return found


def listing(context: Context, text: str | None, before: int | None, limit: int) -> Sequence[DatasetRecord]:
    """Data sets, newest first."""
    with context.database.reading() as connection:
        return datasets.page(connection, text, before, limit)


def description_of(row: DatasetRecord) -> Description:
    """What was understood of a data set."""
    return Description.model_validate(row.description)


def delete(context: Context, key: int, caller: Caller) -> None:
    """Delete a data set.

    Raises:
        NotFound: there is none.
        Forbidden: it is another's.
        Conflict: an active experiment uses it.
    """
    name = ids.public(ids.DATASET, key)
    with context.database.writing() as connection:
        row = datasets.lock(connection, key)
        if row is None:
            raise _missing(key)
        caller.require_owner(row.owner, f"data set {name}")
        using = datasets.users(connection, word("dataset", name), NAMED + 1)
        if using:
            named = ", ".join(ids.public(ids.EXPERIMENT, each) for each in using[:NAMED])
            more = " and others" if len(using) > NAMED else ""
            raise Conflict(f"The data set is used by {named}{more}. Cancel what uses it first, or wait for its end.")
        datasets.remove(connection, key, row.sha256)
        is_gone = not datasets.is_stored(connection, row.sha256)
        audit.note(connection, caller, Action.DELETE_DATASET, name, 204, row.name)
    if is_gone:
        shelf.forget(row.sha256)
    log.info("dataset_deleted", dataset=name, bytes=row.bytes)
