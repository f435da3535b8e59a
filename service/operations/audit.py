"""The audit trail: noted in the unit of work of what it tells, read by admins."""

from collections.abc import Sequence

from service.operations.action import Action
from service.operations.caller import Caller
from service.operations.context import Context
from service.storage import audit
from service.storage.audit import EntryRecord, Narrow, NewEntry
from service.storage.database import Connection, Database


def entry(caller: Caller, action: Action, object: str | None, status: int, detail: str | None = None) -> NewEntry:
    """What a caller did."""
    return NewEntry(
        caller.name, action, caller.method, caller.path, object, status, caller.address, caller.request_id, detail
    )


def note(
    connection: Connection, caller: Caller, action: Action, object: str | None, status: int, detail: str | None = None
) -> None:
    """Note what a caller does, in its unit of work: both are kept, or neither is."""
    audit.append(connection, entry(caller, action, object, status, detail))


def note_alone(database: Database, new: NewEntry) -> None:
    """Note what changed nothing else."""
    with database.writing() as connection:
        audit.append(connection, new)


def listing(context: Context, narrow: Narrow, before: int | None, limit: int) -> Sequence[EntryRecord]:
    """The trail, newest first."""
    with context.database.reading() as connection:
        return audit.page(connection, narrow, before, limit)
