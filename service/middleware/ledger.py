"""The ledger of idempotency keys, in SQL: the same for all processes."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from service.middleware.idempotency import Began, Mismatch, Replay, Running, StoredHeaders
from service.storage.database import Database
from service.storage.tables import answers

HOLD_SECONDS = 60
"""a request that has not answered for so long is taken for dead, and its key may be taken again"""


class SqlLedger:
    """Keys with their answers, forgotten after ``hours``."""

    def __init__(self, database: Database, hours: float) -> None:
        self._database, self._lifetime = database, timedelta(hours=hours)

    def begin(self, key: str, fingerprint: str, now: datetime) -> Began | Replay | Running | Mismatch:
        """Take the key for a request, unless it was taken; one taken long ago by a dead request is taken over."""
        try:
            with self._database.writing() as connection:
                connection.execute(delete(answers).where(answers.c.created_at < (now - self._lifetime).timestamp()))
                row = connection.execute(select(answers).where(answers.c.key == key)).one_or_none()
                if row is None:
                    values = {"key": key, "fingerprint": fingerprint, "created_at": now.timestamp()}
                    connection.execute(insert(answers).values(values))
                    return Began()
                if row.fingerprint == fingerprint and _is_dead(row, now):
                    mine = update(answers).where(answers.c.key == key, answers.c.created_at == row.created_at)
                    taken = connection.execute(mine.values(created_at=now.timestamp())).rowcount
                    return Began() if taken else Running()
                return _known(row, fingerprint)
        except IntegrityError:
            return Running()  # another request with this key was faster by a moment

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes) -> None:
        """Store the answer of a request that holds the key."""
        values = {"status": status, "headers": [list(pair) for pair in headers], "body": body}
        with self._database.writing() as connection:
            connection.execute(update(answers).where(answers.c.key == key).values(values))

    def abandon(self, key: str) -> None:
        """Give the key back, unless it has an answer."""
        with self._database.writing() as connection:
            connection.execute(delete(answers).where(answers.c.key == key, answers.c.status.is_(None)))


def _is_dead(row: Any, now: datetime) -> bool:
    return row.status is None and row.created_at < now.timestamp() - HOLD_SECONDS


def _known(row: Any, fingerprint: str) -> Replay | Running | Mismatch:
    if row.fingerprint != fingerprint:
        return Mismatch()
    if row.status is None:
        return Running()
    return Replay(row.status, tuple((name, value) for name, value in row.headers), row.body)
