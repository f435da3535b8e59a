"""Records: rows become frozen types with a column for each field.

A record names what is read and nothing else: the columns of its SELECT are made from its fields, once.
"""

from collections.abc import Mapping
from dataclasses import fields
from itertools import starmap
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, select

Record = TypeVar("Record")


def reading(record: type[Any], table: Table, **others: ColumnElement[Any]) -> Select[Any]:
    """SELECT the fields of a record, in their order.

    Args:
        others: where fields come from that are no columns of ``table``.
    """
    named = {**{column.name: column for column in table.c}, **{name: each.label(name) for name, each in others.items()}}
    return select(*(named[field.name] for field in fields(record)))


def every(
    connection: Connection,
    record: type[Record],
    statement: Select[Any],
    parameters: Mapping[str, Any] | None = None,
) -> list[Record]:
    """The records of all rows that a statement finds; made of ``reading(record, ...)``."""
    return list(starmap(record, connection.execute(statement, parameters)))


def single(connection: Connection, record: type[Record], statement: Select[Any]) -> Record | None:
    """The record of the one row that a statement finds, None where it finds none."""
    row = connection.execute(statement).one_or_none()
    return None if row is None else record(*row)
