"""Bringing a database to the newest schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from migrations.revision import UnknownRevision


class LostReferences(RuntimeError):
    """A migration would leave rows that refer to nothing; nothing of it is kept."""


LOCK_NUMBER = 7_219_830
"""PostgreSQL advisory lock: two processes that migrate at once take turns"""


def configuration() -> Config:
    """Alembic's configuration, from this folder and without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply every migration that is missing up to a revision, all or none; one process at a time.

    Raises:
        UnknownRevision: the database is newer than this code.
    """
    config = configuration()
    with (
        engine.connect().execution_options(memspan_writes=True) as connection,  # SQLite: takes its lock at once
        _references_kept(connection),
        connection.begin(),  # ours: by itself Alembic would let go of SQLite's lock between two migrations
    ):
        if engine.dialect.name == "postgresql":  # until the end of the transaction: behind a pooler sessions are shared
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
        _refuse_unknown(connection, config)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _refuse_lost_references(connection)


@contextmanager
def _references_kept(connection: Connection) -> Iterator[None]:
    """Let tables be made anew under their names meanwhile, as SQLite needs it for most changes.

    SQLite would refuse to drop the old one while rows of others refer to it. The switch is deaf within a transaction.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _refuse_lost_references(connection: Connection) -> None:
    """What wasn't watched meanwhile is looked at before it is kept."""
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if lost:
            raise LostReferences(f"{len(lost)} rows would refer to rows that aren't there, first of {lost[0][0]}")


def _refuse_unknown(connection: Connection, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in known:
            raise UnknownRevision(found)
