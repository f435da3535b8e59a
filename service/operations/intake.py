"""Intake: a file of a user is read in a confined child, and what it became goes piece by piece into the database."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any

from pydantic import ValidationError

from memspan.confinement import Bounds, Confined, ConfinementError, OutOfMemory, OutOfTime
from memspan.tables.caps import Caps
from memspan.tables.description import Description
from memspan.tables.fault import Fault
from memspan.tables.options import ReadOptions
from memspan.tables.preview import Preview
from service.errors import FieldError, Unprocessable
from service.operations.context import Context
from service.operations.uploads import drop
from service.settings import Settings
from service.storage import contents
from service.storage.contents import Content

WORK = "memspan.tables.confined:begin"
BOUNDS = Bounds(seconds=120.0, processor_seconds=120)


@dataclass(frozen=True)
class Read:
    """What was understood of a file, and its content, of which all but the first piece is stored and nobody's yet."""

    description: Description
    preview: Preview
    content: Content


def caps_of(settings: Settings) -> Caps:
    return Caps(
        rows=settings.max_dataset_rows,
        columns=settings.max_dataset_columns,
        bytes=settings.max_dataset_unpacked,
        file_bytes=settings.max_dataset_bytes,
    )


def read(context: Context, file: IO[bytes], options: ReadOptions, dry_run: bool = False) -> Read:
    """Read a file; with ``dry_run`` nothing of it is stored.

    Raises:
        Unprocessable: it can't be understood, with all that is wrong by row and column; or it takes too much to read.
    """
    try:
        with Confined(WORK, BOUNDS, (file.fileno(),)) as child:
            question = {"do": "read", "file": file.fileno(), "options": options.model_dump(mode="json")}
            document = child.ask({**question, "caps": asdict(caps_of(context.settings))}).document
            if "faults" in document:
                raise _refused(document)
            description = Description.model_validate(document["description"])
            shown = Preview.model_validate(document["preview"])
            pieces = _pieces(child)
            return Read(description, shown, _measured(pieces) if dry_run else _stored(context, pieces))
    except (OutOfMemory, OutOfTime) as error:
        raise _unreadable(f"The file takes too much to be read: {error}") from None
    except (ConfinementError, ValidationError, KeyError) as error:
        raise _unreadable("The file broke what reads it; it is damaged, or made to do that.") from error


def _pieces(child: Confined) -> Iterator[bytes]:
    while piece := child.ask({"do": "piece"}).payload:
        yield bytes(piece)


def _measured(pieces: Iterable[bytes]) -> Content:
    """A content that isn't kept."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return Content(digest.hexdigest(), size, b"")


def _stored(context: Context, pieces: Iterator[bytes]) -> Content:
    """A content whose pieces are stored, each in a unit of work of its own."""
    first = next(pieces, b"")
    digest, size, upload = hashlib.sha256(first), len(first), None
    try:
        for number, piece in enumerate(pieces, start=1):
            with context.database.writing() as connection:
                upload = contents.begin(connection) if upload is None else upload
                contents.add(connection, upload, number, piece)
            digest.update(piece)
            size += len(piece)
    except BaseException:
        drop(context, [Content("", size, b"", upload)])
        raise
    return Content(digest.hexdigest(), size, first, upload)


def _unreadable(message: str) -> Unprocessable:
    return Unprocessable(message, errors=[FieldError("#/file", "unreadable", message)])


def _refused(document: dict[str, Any]) -> Unprocessable:
    """Everything that is wrong with a file, as far as the child was believed."""
    faults = [Fault(**fault) for fault in document["faults"]]
    total = int(document["total"])
    errors = [_field_error(fault) for fault in faults]
    more = f" {total} things are wrong." if total > 1 else ""
    message = f"The file can't be used. {errors[0].message}{more}"
    return Unprocessable(message, errors=errors, more_errors=total - len(errors))


def _field_error(fault: Fault) -> FieldError:
    """Where a fault is: ``#/file/rows/5/temperature``, rows counted from 1 below the header."""
    row = "" if fault.row is None else f"/rows/{fault.row}"
    column = "" if fault.column is None else "/" + fault.column.replace("~", "~0").replace("/", "~1")
    between = "/columns" if column and not row else ""
    place = f"#/file{row}{between}{column}"
    words = str(fault)
    return FieldError(place, fault.code, words[0].upper() + words[1:], fault.given)
