"""SQL over API keys. A key is never deleted but with all others, so that its name goes on to mean who it was."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from service.scopes import Scope
from service.storage.clock import now
from service.storage.records import every, reading, single
from service.storage.tables import keys

USE_SECONDS = 60
"""a key's last use is written no more often"""


@dataclass(frozen=True)
class Quota:
    """The most that a key may have waiting, have stored and ask for in a day; None where nothing limits it.

    Attributes:
        stored_bytes: of weights and data sets.
        core_seconds: of one worker, as plans estimate them, in a day (UTC).
    """

    queued_runs: int | None = None
    stored_bytes: int | None = None
    core_seconds: int | None = None


UNLIMITED = Quota()


@dataclass(frozen=True)
class NewKey:
    """A key as it is made.

    Attributes:
        sha256: of its secret, in hexadecimal: the secret itself is stored nowhere.
        hint: how the secret begins, to recognise it by.
        lifetime: seconds from now, None for ever.
    """

    name: str
    scope: Scope
    sha256: str
    hint: str
    lifetime: float | None
    quota: Quota


@dataclass(frozen=True)
class KeyRecord:
    """A key. Times are seconds since 1970 UTC by the database's clock."""

    key: int
    name: str
    scope: Scope
    sha256: str
    hint: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None
    queued_runs: int | None
    stored_bytes: int | None
    core_seconds: int | None

    @property
    def quota(self) -> Quota:
        return Quota(self.queued_runs, self.stored_bytes, self.core_seconds)

    def expired(self, time: float) -> bool:
        return self.expires_at is not None and self.expires_at <= time

    def works(self, time: float) -> bool:
        """Whether its bearer is let in at a time of the database's clock."""
        return self.revoked_at is None and not self.expired(time)


class NameTaken(Exception):
    """Another key that isn't revoked has the name."""


WHOLE = reading(KeyRecord, keys)


def add(connection: Connection, new: NewKey) -> KeyRecord:
    """Store a key.

    Raises:
        NameTaken: this unit of work is lost.
    """
    values = {name: value for name, value in vars(new).items() if name not in ("lifetime", "quota")}
    expires_at = None if new.lifetime is None else now() + new.lifetime
    statement = insert(keys).values(created_at=now(), expires_at=expires_at, **values, **vars(new.quota))
    try:
        return KeyRecord(*connection.execute(statement.returning(*WHOLE.selected_columns)).one())
    except IntegrityError as error:
        raise NameTaken(new.name) from error


def get(connection: Connection, key: int) -> KeyRecord | None:
    return single(connection, KeyRecord, WHOLE.where(keys.c.key == key))


def named(connection: Connection, name: str) -> KeyRecord | None:
    """The key of a name that isn't revoked."""
    return single(connection, KeyRecord, WHOLE.where(keys.c.name == name, keys.c.revoked_at.is_(None)))


def all_keys(connection: Connection) -> Sequence[KeyRecord]:
    """Every key, oldest first."""
    return every(connection, KeyRecord, WHOLE.order_by(keys.c.key))


def page(connection: Connection, after: int | None, limit: int) -> Sequence[KeyRecord]:
    """Keys, oldest first, with numbers above ``after``."""
    statement = WHOLE.order_by(keys.c.key).limit(limit)
    return every(connection, KeyRecord, statement if after is None else statement.where(keys.c.key > after))


def exist(connection: Connection) -> bool:
    """Whether there is any key, revoked ones too."""
    return connection.execute(select(keys.c.key).limit(1)).scalar_one_or_none() is not None


def revoke(connection: Connection, key: int) -> bool:
    """End a key for good; whether it wasn't revoked until now."""
    mine = (keys.c.key == key, keys.c.revoked_at.is_(None))
    return connection.execute(update(keys).where(*mine).values(revoked_at=now())).rowcount == 1


def note_use(connection: Connection, key: int) -> None:
    """Write that a key was used just now, unless that was written lately."""
    stale = or_(keys.c.used_at.is_(None), keys.c.used_at < now() - USE_SECONDS)
    connection.execute(update(keys).where(keys.c.key == key, stale).values(used_at=now()))


def delete_all(connection: Connection) -> int:
    """Delete every key; how many."""
    return connection.execute(delete(keys)).rowcount
