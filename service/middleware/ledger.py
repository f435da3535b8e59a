"""The ledger of idempotency keys, in the database: the same for all processes."""

from datetime import datetime, timedelta

from service.middleware.idempotency import Began, Mismatch, Replay, Running, StoredHeaders, Unkept
from service.storage import idempotent_responses
from service.storage.database import Database
from service.storage.idempotent_responses import ResponseRecord

HOLD_SECONDS = 60
"""a request that has not answered for so long is taken for dead, and its key may be taken again"""


class SqlLedger:
    """Keys with their answers, forgotten after ``hours``."""

    def __init__(self, database: Database, hours: float) -> None:
        self._database, self._lifetime = database, timedelta(hours=hours)

    def begin(self, key: str, fingerprint: str, now: datetime) -> Began | Replay | Unkept | Running | Mismatch:
        """Take the key for a request, unless it was taken; one taken long ago by a dead request is taken over."""
        with self._database.writing() as connection:
            idempotent_responses.forget(connection, (now - self._lifetime).timestamp())
            known = idempotent_responses.get(connection, key)
            if known is None:
                return (
                    Began() if idempotent_responses.hold(connection, key, fingerprint, now.timestamp()) else Running()
                )
            if known.fingerprint == fingerprint and _is_dead(known, now):
                taken = idempotent_responses.take_over(connection, key, known.created_at, now.timestamp())
                return Began() if taken else Running()
            return _told(known, fingerprint)

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes | None) -> None:
        """Store the answer of a request that holds the key."""
        with self._database.writing() as connection:
            idempotent_responses.store(connection, key, status, [list(pair) for pair in headers], body)

    def abandon(self, key: str) -> None:
        """Give the key back, unless it has an answer."""
        with self._database.writing() as connection:
            idempotent_responses.give_back(connection, key)


def _is_dead(known: ResponseRecord, now: datetime) -> bool:
    return known.status is None and known.created_at < now.timestamp() - HOLD_SECONDS


def _told(known: ResponseRecord, fingerprint: str) -> Replay | Unkept | Running | Mismatch:
    """What the ledger says of a key that somebody has."""
    if known.fingerprint != fingerprint:
        return Mismatch()
    if known.status is None:
        return Running()
    headers = tuple((name, value) for name, value in known.headers or ())
    if known.body is None:
        return Unkept(dict(headers).get("location"))
    return Replay(known.status, headers, known.body)
