"""The database's own structure is sound (SQLite's integrity_check; PostgreSQL keeps checksums of its own)."""

from collections.abc import Iterator

from sqlalchemy import Connection

ADVICE = "Stop the service, keep a copy of the file, and restore a backup."


def find(connection: Connection) -> Iterator[str]:
    """What SQLite says of its file."""
    if connection.dialect.name == "sqlite":
        for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if said != "ok":
                yield f"SQLite says: {said}."
