"""Space: pages that an SQLite file keeps free after deletions, and giving them back to the file system.

A new file is made with ``auto_vacuum=INCREMENTAL``: its free pages go back in small portions while everybody works. An
older one has to be written anew once (VACUUM), by which it becomes such a file. PostgreSQL's autovacuum sees to its
own.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection

INCREMENTAL = 2
PAGES_AT_ONCE = 2048
"""that one unit of work gives back: 8 MiB"""
WORTH_BYTES = 16 * 2**20
"""fewer bytes are left: what is deleted makes room for what comes"""


def free_bytes(connection: Connection) -> int:
    """What the file could do without."""
    if connection.dialect.name != "sqlite":
        return 0
    pages, size = (_pragma(connection, name) for name in ("freelist_count", "page_size"))
    return pages * size


def shrinks(connection: Connection) -> bool:
    """Whether free pages can be given back in portions."""
    return connection.dialect.name == "sqlite" and _pragma(connection, "auto_vacuum") == INCREMENTAL


def give_back(connection: Connection, pages: int = PAGES_AT_ONCE) -> int:
    """Give back some free pages, where that is worth it; how many."""
    if not shrinks(connection) or free_bytes(connection) < WORTH_BYTES:
        return 0
    before = _pragma(connection, "freelist_count")
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()  # a step a page, which SQLAlchemy doesn't make
    return before - _pragma(connection, "freelist_count")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def rewrite(path: Path) -> int:
    """Write a file anew without free pages, as one that shrinks by itself; bytes given back. Writers wait meanwhile."""
    before = path.stat().st_size
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return before - path.stat().st_size
