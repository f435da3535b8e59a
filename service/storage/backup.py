"""Copies of an SQLite database, made while others write."""

import sqlite3
from contextlib import closing
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Copy a database as it stands at one moment, to a file that needs no other beside it.

    In one step: it reads what was committed when it began (WAL), and nobody waits for it. In several steps it would
    begin again with every commit of another.
    """
    reading = sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True, timeout=30)
    with closing(reading) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new, pages=-1)
        new.execute("PRAGMA journal_mode=DELETE")


def sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with the structure of a file."""
    with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as connection:
        try:
            return bool(connection.execute("PRAGMA quick_check").fetchall() == [("ok",)])
        except sqlite3.DatabaseError:
            return False


def revision(path: Path) -> str | None:
    """The revision of the schema of a file."""
    with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])


def settle(path: Path) -> None:
    """Write what lies in the log beside a file into the file itself; nobody else may use it."""
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
