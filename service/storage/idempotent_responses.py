"""Idempotent responses, to requests that bear an Idempotency-Key. Times are the caller's, in seconds since 1970 UTC."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, update

from service.storage.records import reading, single
from service.storage.tables import answers
from service.storage.upserts import upsert


@dataclass(frozen=True)
class ResponseRecord:
    """What is known of a key; ``status``, ``headers`` and ``body`` are None while its request is still running.

    A body that was too large to be kept, or that is computed again, stays None.
    """

    fingerprint: str
    status: int | None
    headers: list[list[str]] | None
    body: bytes | None
    created_at: float


WHOLE = reading(ResponseRecord, answers)


def get(connection: Connection, key: str) -> ResponseRecord | None:
    return single(connection, ResponseRecord, WHOLE.where(answers.c.key == key))


def hold(connection: Connection, key: str, fingerprint: str, at: float) -> bool:
    """Take a key for a request; whether nobody was faster."""
    new = upsert(connection, answers).values(key=key, fingerprint=fingerprint, created_at=at)
    statement = new.on_conflict_do_nothing(index_elements=[answers.c.key]).returning(answers.c.key)
    return connection.execute(statement).scalar_one_or_none() is not None


def take_over(connection: Connection, key: str, held_since: float, at: float) -> bool:
    """Take a key from a request that has held it for too long; whether nobody was faster."""
    mine = (answers.c.key == key, answers.c.created_at == held_since)
    return connection.execute(update(answers).where(*mine).values(created_at=at)).rowcount == 1


def store(connection: Connection, key: str, status: int, headers: list[list[str]], body: bytes | None) -> None:
    """Store the response to the request that holds a key; its body may be left out."""
    values = {"status": status, "headers": headers, "body": body}
    connection.execute(update(answers).where(answers.c.key == key).values(values))


def give_back(connection: Connection, key: str) -> None:
    """Forget a key, unless it has a response."""
    connection.execute(delete(answers).where(answers.c.key == key, answers.c.status.is_(None)))


def forget(connection: Connection, before: float) -> None:
    """Forget all keys that were taken before a time."""
    connection.execute(delete(answers).where(answers.c.created_at < before))
