"""Bringing a database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from migrations.revision import UnknownRevision

LOCK_NUMBER = 7_219_830
"""PostgreSQL advisory lock: two processes that migrate at once take turns"""


def configuration() -> Config:
    """Alembic's configuration, from this folder and without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def upgrade(engine: Engine) -> None:
    """Apply every migration that is missing, all or none; one process at a time.

    Raises:
        UnknownRevision: the database is newer than this code.
    """
    config = configuration()
    with engine.connect().execution_options(memspan_writes=True) as connection:  # SQLite: takes its lock at once
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": LOCK_NUMBER})
            connection.commit()
        try:
            with connection.begin():  # ours: by itself Alembic would let go of SQLite's lock between two migrations
                _refuse_unknown(connection, config)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            if engine.dialect.name == "postgresql":
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": LOCK_NUMBER})
                connection.commit()


def _refuse_unknown(connection: Connection, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in known:
            raise UnknownRevision(found)
