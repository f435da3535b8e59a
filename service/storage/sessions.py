"""SQL over sessions of browsers: each stands for a key until it ends, or the key does."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from service.storage.clock import now
from service.storage.records import every, reading
from service.storage.tables import sessions

MOST = 20
"""of one key; the oldest goes when another is begun"""


@dataclass(frozen=True)
class SessionRecord:
    """A session: the digest of its cookie, the number of its key; seconds since 1970 UTC by the database's clock."""

    sha256: str
    api_key: int
    expires_at: float


WHOLE = reading(SessionRecord, sessions)


def begin(connection: Connection, sha256: str, api_key: int, seconds: float) -> None:
    """Begin a session; those that have ended are forgotten, and of a key's many the oldest."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now()))
    kept = select(sessions.c.sha256).where(sessions.c.api_key == api_key).order_by(sessions.c.created_at.desc())
    many = list(connection.execute(kept.offset(MOST - 1)).scalars())
    connection.execute(delete(sessions).where(sessions.c.sha256.in_(many)))
    values = {"sha256": sha256, "api_key": api_key, "created_at": now(), "expires_at": now() + seconds}
    connection.execute(insert(sessions).values(**values))


def end(connection: Connection, sha256: str) -> bool:
    """End a session; whether there was one."""
    return connection.execute(delete(sessions).where(sessions.c.sha256 == sha256)).rowcount == 1


def alive(connection: Connection) -> Sequence[SessionRecord]:
    """All sessions that have not expired."""
    return every(connection, SessionRecord, WHOLE.where(sessions.c.expires_at > now()))


def delete_all(connection: Connection) -> None:
    """End every session."""
    connection.execute(delete(sessions))
