"""What an admin does with keys: make, list, revoke; over HTTP or on the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.errors import Conflict, FieldError, NotFound
from service.operations import audit, ids
from service.operations.action import Action
from service.operations.caller import Caller
from service.operations.key_request import KeyRequest
from service.operations.key_secret import digest, hint, new_secret
from service.scopes import Scope
from service.storage import clock, keys, sessions, usage
from service.storage.database import Database
from service.storage.keys import KeyRecord, NameTaken, NewKey
from service.storage.usage import UNUSED, Usage

FIRST = (
    "There is no key yet, so nobody could be told from anybody. The first one is made where the service runs: "
    "memspan keys create --name NAME --scope admin"
)


@dataclass(frozen=True)
class KeyView:
    """A key as it stands.

    Attributes:
        state: working, expired or revoked.
        usage: of its name, which a new key of a revoked one's name takes over.
    """

    row: KeyRecord
    state: str
    usage: Usage = UNUSED


@dataclass(frozen=True)
class MadeKey:
    """A new key with its secret, which nobody can show again."""

    view: KeyView
    secret: str
    is_first: bool


def create(database: Database, asked: KeyRequest, caller: Caller, over_http: bool) -> MadeKey:
    """Make a key.

    Raises:
        Conflict: its name is taken, or it would be the first and is asked for over HTTP.
    """
    secret = new_secret()
    new = NewKey(asked.name, asked.scope, digest(secret), hint(secret), asked.lifetime_seconds, asked.limits)
    try:
        with database.writing() as connection:
            is_first = not keys.exist(connection)
            if is_first and over_http:
                raise Conflict(FIRST + ".")
            row = keys.add(connection, new)
            audit.note(
                connection, caller, Action.CREATE_KEY, ids.public(ids.KEY, row.key), 201, f"{row.name}, {row.scope}"
            )
            return MadeKey(_view(row, clock.read(connection)), secret, is_first)
    except NameTaken:
        message = f"There is a key {asked.name!r} already; revoke it first, or take another name."
        raise Conflict(message, errors=[FieldError("#/name", "taken", message, asked.name)]) from None


def listing(database: Database, after: int | None, limit: int) -> Sequence[KeyView]:
    """Keys, oldest first."""
    with database.reading() as connection:
        time, rows = clock.read(connection), keys.page(connection, after, limit)
        used = usage.of_many(connection, sorted({row.name for row in rows}))
        return [replace(_view(row, time), usage=used[row.name]) for row in rows]


def revoke(database: Database, key: int, caller: Caller) -> KeyView:
    """End a key for good, or NotFound; revoking twice is once."""
    with database.writing() as connection:
        row = keys.get(connection, key)
        if row is None:
            raise NotFound(f"There is no key {ids.public(ids.KEY, key)}.")
        if keys.revoke(connection, key):
            audit.note(connection, caller, Action.REVOKE_KEY, ids.public(ids.KEY, key), 204, row.name)
        return KeyView(row, "revoked")


def revoke_named(database: Database, name: str, caller: Caller) -> KeyView:
    """End the key of a name, or NotFound."""
    with database.reading() as connection:
        row = keys.named(connection, name)
    if row is None:
        raise NotFound(f"There is no key {name!r}; memspan keys list shows all.")
    return revoke(database, row.key, caller)


def abolish(database: Database, caller: Caller) -> int:
    """Delete every key: clients of trusted networks are let in again, without any. How many there were."""
    with database.writing() as connection:
        sessions.delete_all(connection)
        count = keys.delete_all(connection)
        audit.note(connection, caller, Action.ABOLISH_KEYS, None, 200, f"{count} keys")
        return count


def administrable(database: Database) -> bool:
    """Whether some key that works can administer over HTTP."""
    with database.reading() as connection:
        time = clock.read(connection)
        return any(row.works(time) and row.scope is Scope.ADMIN for row in keys.all_keys(connection))


def _view(row: KeyRecord, time: float) -> KeyView:
    return KeyView(row, "revoked" if row.revoked_at is not None else "expired" if row.expired(time) else "working")
