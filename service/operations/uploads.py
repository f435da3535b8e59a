"""Uploads: what is too large for one row goes ahead into the database, in short units of work."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

from memspan.interfaces.tensor_file import TensorFile
from service.operations.context import Context
from service.storage import contents
from service.storage.contents import PIECE_BYTES, Content
from service.storage.database_errors import DatabaseError

Name = TypeVar("Name")


def uploaded(context: Context, files: Mapping[Name, TensorFile], shared: bool = False) -> dict[Name, Content]:
    """What rows are to hold of files; by then the pieces of large ones are stored.

    Args:
        shared: equal files go once, into one row; else each belongs to a row of its own.
    """
    made: dict[object, Content] = {}
    keys = {name: file.sha256 if shared else name for name, file in files.items()}
    try:
        for name, file in files.items():
            if keys[name] not in made:
                made[keys[name]] = _uploaded(context, file)
    except BaseException:
        drop(context, made.values())
        raise
    return {name: made[key] for name, key in keys.items()}


def _uploaded(context: Context, file: TensorFile) -> Content:
    if file.size <= PIECE_BYTES:
        return Content(file.sha256, file.size, file.data)
    with context.database.writing() as connection:
        upload = contents.begin(connection)
    pieces = file.pieces(PIECE_BYTES)
    content = Content(file.sha256, file.size, next(pieces), upload)
    try:
        for number, piece in enumerate(pieces, start=1):
            with context.database.writing() as connection:
                contents.add(connection, upload, number, piece)
    except BaseException:
        drop(context, [content])
        raise
    return content


def drop(context: Context, unused: Iterable[Content]) -> None:
    """Drop what no row has made its own; where the database is away the patrol does it later."""
    keys = [each.upload for each in unused if each.upload is not None]
    if keys:
        with suppress(DatabaseError), context.database.writing() as connection:
            contents.drop(connection, keys)
