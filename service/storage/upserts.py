"""INSERTs that say what to do about rows that are there already; each dialect has its own."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Upsert = postgresql.Insert | sqlite.Insert
"""both know ``on_conflict_do_nothing`` and ``on_conflict_do_update``"""


def upsert(connection: Connection, table: Table) -> Upsert:
    """INSERT into a table, in the dialect of the database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
