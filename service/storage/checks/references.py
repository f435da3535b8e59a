"""What a row refers to is there."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Column, Connection, Select, Table, delete, exists, func, select

from service.storage.checks import AT_ONCE
from service.storage.tables import events, metadata, metrics, pieces, probes, snapshots, uploads

ADVICE = (
    "memspan doctor --mend drops metrics, events, snapshots and probes of what is gone; "
    "of anything else restore a backup."
)
PASSING = (pieces, uploads, metrics, events, snapshots, probes)
"""tables whose rows mean nothing without what they are of; those that hang on others first"""


def find(connection: Connection) -> Iterator[str]:
    """Rows that refer to nothing, counted by table and column."""
    for table, column, parent in _references(metadata.sorted_tables):
        count = connection.execute(
            select(func.count()).select_from(_dangling(table, column, parent).subquery())
        ).scalar_one()
        if count:
            yield f"{count} rows of {table.name} refer by {column.name} to rows of {parent.table.name} that are gone."


def mend(connection: Connection) -> int:
    """Drop some rows that mean nothing any more."""
    for table, column, parent in _references(PASSING):
        chosen = _dangling(table, column, parent).limit(AT_ONCE)
        keys = connection.execute(chosen).scalars().all()
        if keys:
            return connection.execute(delete(table).where(column.in_(set(keys)))).rowcount
    return 0


def _references(tables: Iterable[Table]) -> Iterator[tuple[Table, Column[int], Column[int]]]:
    for table in tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            yield table, key.parent, key.column


def _dangling(table: Table, column: Column[int], parent: Column[int]) -> Select[int]:
    other = parent.table.alias()
    return select(column).where(column.is_not(None), ~exists().where(other.c[parent.name] == column))
