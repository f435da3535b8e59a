"""SQL over the audit trail: who did what. It is only added to; the database itself refuses to change a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from service.storage.clock import now
from service.storage.records import every, reading
from service.storage.tables import audit


@dataclass(frozen=True)
class NewEntry:
    """What somebody did, or tried.

    Attributes:
        caller: name of the key, None where there was none.
        action: one of ``service.operations.action``, such as cancel_experiment.
        path: of the request, with its ``method``; empty where a command did it.
        object: public id of what it was done to.
        status: of HTTP.
        address: of the connection.
    """

    caller: str | None
    action: str
    method: str
    path: str
    object: str | None
    status: int
    address: str | None
    request_id: str
    detail: str | None = None


@dataclass(frozen=True)
class EntryRecord(NewEntry):
    """An entry of the trail; ``at`` in seconds since 1970 UTC."""

    key: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Narrow:
    """What the trail may be narrowed to; times in seconds since 1970 UTC, ``since`` included."""

    caller: str | None = None
    action: str | None = None
    object: str | None = None
    since: float | None = None
    until: float | None = None


WHOLE = reading(EntryRecord, audit)


def append(connection: Connection, new: NewEntry) -> None:
    """Add an entry."""
    connection.execute(insert(audit).values(at=now(), **vars(new)))


def page(connection: Connection, narrow: Narrow, before: int | None, limit: int) -> Sequence[EntryRecord]:
    """Entries, newest first, with numbers below ``before``."""
    statement = WHOLE.order_by(audit.c.key.desc()).limit(limit)
    for name in ("caller", "action", "object"):
        if (wanted := getattr(narrow, name)) is not None:
            statement = statement.where(audit.c[name] == wanted)
    if narrow.since is not None:
        statement = statement.where(audit.c.at >= narrow.since)
    if narrow.until is not None:
        statement = statement.where(audit.c.at < narrow.until)
    if before is not None:
        statement = statement.where(audit.c.key < before)
    return every(connection, EntryRecord, statement)
