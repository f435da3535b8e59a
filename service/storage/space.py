"""Space: pages that an SQLite file keeps free after deletions, and giving them back to the file system.

A new file is made with ``auto_vacuum=INCREMENTAL``: its free pages go back in small portions while everybody works. An
older one has to be written anew once (VACUUM), by which it becomes such a file. PostgreSQL's autovacuum sees to its
own.
"""

import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection

INCREMENTAL = 2
PAGES_AT_ONCE = 2048
"""that one unit of work gives back: 8 MiB"""
SECONDS_AT_ONCE = 0.2
"""after which it stops anyway: of a long list of free pages each is looked for, 2 ms in one of half a million"""
REWRITE_BYTES = 256 * 2**20
"""of free pages, from which on writing the file anew is quicker"""
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
    until = time.monotonic() + SECONDS_AT_ONCE
    for _ in range(min(pages, before)):  # of a larger number Python's driver gives back one page, too
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
        if time.monotonic() > until:
            break
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
