"""Reading a user's file in a confined child: what the child answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from memspan.confinement.child import Work
from memspan.confinement.frame import Frame
from memspan.interfaces.pieces import in_pieces
from memspan.tables.caps import Caps
from memspan.tables.description import described
from memspan.tables.fault import Unreadable
from memspan.tables.options import ReadOptions
from memspan.tables.preview import preview
from memspan.tables.reader import read_table
from memspan.tables.table_file import parts

PIECE_BYTES = 4 * 2**20
"""of an answer with a piece of the table file"""


def begin() -> Work:
    """Answers ``{"do": "read", "file": descriptor, "options": ..., "caps": ...}`` with a description or with faults.

    After that it answers ``{"do": "piece"}`` with the next piece of the table file, with nothing behind the last.
    """
    left: Iterator[bytes] = iter(())

    def answer(question: Frame) -> Frame:
        nonlocal left
        if question.document["do"] == "piece":
            return Frame({}, next(left, b""))
        try:
            found = _read(question.document)
        except Unreadable as error:
            return Frame({"faults": [fault.document() for fault in error.faults], "total": error.total})
        left = in_pieces(parts(found), PIECE_BYTES)
        told = {"description": described(found), "preview": preview(found)}
        return Frame({name: each.model_dump(mode="json") for name, each in told.items()})

    return answer


def _read(document: dict[str, Any]) -> Any:
    with os.fdopen(document["file"], "rb", closefd=False) as file:
        return read_table(file, ReadOptions.model_validate(document["options"]), Caps(**document["caps"]))
