"""Bytes of a file as UTF-8, decoded piece by piece."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO

from memspan.tables.fault import refused

PIECE = 2**20
"""bytes that are decoded at once"""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(beginning: bytes, asked: str | None) -> str:
    """The encoding that a file has by its mark, else the one that was asked for, else UTF-8.

    Raises:
        Unreadable: nobody knows the encoding that was asked for.
    """
    marked = next((name for mark, name in MARKS if beginning.startswith(mark)), None)
    if marked:
        return marked
    name = asked or "utf-8"
    try:
        "".encode(name)  # refuses what is no encoding of text, such as zip
        return codecs.lookup(name).name
    except LookupError:
        message = f"There is no encoding of text {name!r}; try utf-8, latin-1 or utf-16."
        raise refused("unknown_encoding", message, given=name) from None


class Utf8(io.RawIOBase):
    """A file's text as UTF-8 without a byte order mark; only a piece of it lies in memory.

    Reading raises Unreadable at bytes that are none of the encoding, and at NUL characters.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._file, self._encoding = file, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._left = memoryview(b"")
        self._lines, self._is_over = 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        room = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._left and not self._is_over:
            self._left = memoryview(self._next())
        count = min(len(room), len(self._left))
        room[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _next(self) -> bytes:
        piece = self._file.read(PIECE)
        self._is_over = not piece
        try:
            text = self._decoder.decode(piece, final=self._is_over)
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            raise refused(
                "wrong_encoding",
                f"Line {line} is not {self._encoding}: {error.reason}. Save the file as UTF-8, or say `encoding`, "
                "e.g. latin-1 or cp1252.",
            ) from None
        if "\0" in text:
            line = self._lines + text[: text.index("\0")].count("\n") + 1
            raise refused("nul_character", f"Line {line} holds a NUL character: this is no text in {self._encoding}.")
        self._lines += text.count("\n")
        return text.encode("utf-8")
