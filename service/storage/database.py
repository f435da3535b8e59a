"""The database: one way in for reading and one for writing, the same on SQLite and PostgreSQL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import InvalidatePoolError

from service.counts import Counts
from service.storage.counters import taken_notes

Connection = sqlalchemy.Connection
"""what a unit of work passes on; other rooms hand it to storage and call nothing of it"""

BUSY_SECONDS = 30
LOG_BYTES = 64 * 2**20
"""that SQLite's log keeps on disk once what it holds is in the file; a large snapshot makes it grow"""


@dataclass(frozen=True)
class Manners:
    """How somebody talks to PostgreSQL.

    Attributes:
        silence_seconds: after which it ends a unit of work in which nothing was said, and lets go of what it locked.
        plans: how it makes those of statements that come again and again, as its ``plan_cache_mode`` has it.
        connections: of a process. They are kept, since a new one costs the server more than a claim does, and the one
            used last is taken first, so that most of them rest. Whoever finds all of them busy waits for one: that
            costs less than what many do at once on a few processors.
    """

    silence_seconds: int
    plans: str
    connections: int


ASKER = Manners(silence_seconds=60, plans="auto", connections=30)
"""answers may be computed in the middle of a look, and are about anything"""
WORKER = Manners(silence_seconds=10, plans="force_generic_plan", connections=5)
"""a worker computes nothing in between: one that is frozen or cut off in the middle of writing holds others up no
longer, so that its work moves soon after its lease has ended. It says the same few sentences, each about some keys:
planning them anew, for the states that happen to be rare, costs more than it saves"""
UNHEARD_SECONDS = 15
"""after which a connection on which nothing arrives is given up, at both of its ends: a host that was cut off asks
again over a new one"""
RESTED_SECONDS = 1.0
"""after which a connection is tried before it is used: its server may have been started again meanwhile. One that was
used just now needs no message of its own for that; should it have broken since, the unit of work fails, as it does when
the server goes away in the middle of it, and all connections are made anew"""
RESTING_SINCE = "memspan_resting_since"
SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""what makes all queries of a transaction see the same moment; SQLite's transactions do of themselves"""


class Database:
    """Connections to one database. Safe to share between threads, not between processes.

    Args:
        manners: of who asks.

    Attributes:
        counts: what the units of work that were kept have counted.
    """

    def __init__(self, url: str, manners: Manners = ASKER) -> None:
        self.engine = _engine(url, manners)
        self.counts = Counts()
        self._looking = SNAPSHOT if self.dialect == "postgresql" else {}

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent look at the database; nothing is kept."""
        with self.engine.connect().execution_options(**self._looking) as connection, connection.begin():
            yield connection

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """One question, of whatever moment: a server is spared the beginning and the end of a transaction."""
        once = {"isolation_level": "AUTOCOMMIT"} if self.dialect == "postgresql" else {}
        with self.engine.connect().execution_options(**once) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One unit of work: everything in it is kept at its end, or nothing is, what it counted included."""
        with self.engine.connect().execution_options(memspan_writes=True) as connection:
            taken_notes(connection)  # of a unit of work that was not kept
            with connection.begin():
                yield connection
            self.counts.add_all(taken_notes(connection))

    @property
    def path(self) -> Path | None:
        """The file of an embedded database; None where a server keeps it, or memory."""
        name = self.engine.url.database
        return Path(name) if self.dialect == "sqlite" and name and name != ":memory:" else None

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str, manners: Manners) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    place = make_url(url)
    prepared = {"prepare_threshold": None} if "prepare_threshold" in place.query else {}
    options = {"connect_timeout": 5, **OURS, "options": _sessions(manners), **prepared}
    place = place.difference_update_query(["prepare_threshold"])
    engine = create_engine(
        place, pool_size=manners.connections, max_overflow=0, pool_use_lifo=True, connect_args=options
    )
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", partial(_try_rested, engine))
    return engine


def _note_rest(connection: Any, record: Any) -> None:
    record.info[RESTING_SINCE] = time.monotonic()


def _try_rested(engine: Engine, connection: Any, record: Any, proxy: Any) -> None:
    """Ask a connection that has rested whether the server is still there.

    Raises:
        InvalidatePoolError: it isn't; none of the others is used again, and new ones are made.
    """
    since = record.info.get(RESTING_SINCE)
    if since is None or time.monotonic() - since < RESTED_SECONDS:  # just made, or just used
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


OURS = {
    "keepalives_idle": UNHEARD_SECONDS // 3,
    "keepalives_interval": UNHEARD_SECONDS // 3,
    "keepalives_count": 2,
    "tcp_user_timeout": UNHEARD_SECONDS * 1000,
}
"""how our end of a connection finds out that nobody is at the other"""


def _sessions(manners: Manners) -> str:
    """What PostgreSQL is asked to do at its end."""
    wanted = {
        "lock_timeout": "30s",
        "idle_in_transaction_session_timeout": f"{manners.silence_seconds}s",
        "tcp_keepalives_idle": UNHEARD_SECONDS // 3,
        "tcp_keepalives_interval": UNHEARD_SECONDS // 3,
        "tcp_keepalives_count": 2,
        "tcp_user_timeout": f"{UNHEARD_SECONDS}s",
        # All that is asked often is answered by an index. A plan that reads a whole table while it is small would be
        # kept as it grows, that of a foreign key as long as its connection: each end would cost more than the last.
        # Tables without a fitting index, such as that of workers, are read nevertheless, at a price that is none: it
        # must not make PostgreSQL compile what it asks of ten rows.
        "enable_seqscan": "off",
        "jit": "off",
        "plan_cache_mode": manners.plans,
    }
    return " ".join(f"-c {name}={value}" for name, value in wanted.items())


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Readers never wait for writers (WAL); foreign keys hold; a new file can shrink; we begin transactions."""
    connection.isolation_level = None
    for pragma in (
        "auto_vacuum=INCREMENTAL",
        f"journal_size_limit={LOG_BYTES}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once: a reader that turns writer could only fail."""
    writes = connection.get_execution_options().get("memspan_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def stored_revision(connection: Connection) -> str | None:
    """The revision of the schema, as Alembic noted it; None for a database without our schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def stored_bytes(connection: Connection) -> int:
    """How large the database is, pages that it keeps free included."""
    sizes = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_database_size(current_database())",
    }
    return int(connection.exec_driver_sql(sizes[connection.dialect.name]).scalar_one())
