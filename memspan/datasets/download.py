"""Fetching a file over the network, and telling the right one."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import IO

SILENT_SECONDS = 10.0
"""a server that says nothing for so long is given up"""
LONGEST_SECONDS = 120.0
"""a whole file must be there by then"""
CHUNK = 1 << 16
SCHEMES = ("https://", "http://")
"""urlopen would read files of this machine as well"""
LONGEST_REASON = 90
"""characters of a reason: it is told together with others"""


def download(address: str, path: Path, size: int, sha256: str) -> str | None:
    """Fetch a file and put it at ``path`` if it is the right one; None, or why it isn't there.

    The file appears whole or not at all, and whoever fetches it at the same time does no harm.
    """
    from http.client import HTTPException  # imported late: a worker that needs no data set starts without
    from urllib.request import urlopen

    if not address.startswith(SCHEMES):
        return f"only {' and '.join(SCHEMES)} addresses are fetched"
    try:
        with urlopen(address, timeout=SILENT_SECONDS) as answer:  # noqa: S310, its scheme was looked at
            data = _received(answer, size)
        found = sha256_of(data)
        if found != sha256:
            return f"its file has the sha256 {found}"
        _put(data, path)
    except (OSError, HTTPException, ValueError) as error:
        return _reason(error)[:LONGEST_REASON]
    return None


def _reason(error: Exception) -> str:
    """An error in words, without the path of a file of this machine."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _received(answer: IO[bytes], size: int) -> bytes:
    """The bytes of an answer, and never many more than are expected."""
    give_up = time.monotonic() + LONGEST_SECONDS
    data = bytearray()
    while len(data) <= size and (chunk := answer.read(CHUNK)):
        data += chunk
        if time.monotonic() > give_up:
            raise TimeoutError(f"not done after {LONGEST_SECONDS:g} s")
    return bytes(data)


def _put(data: bytes, path: Path) -> None:
    """Write a file beside its place and move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sha256_of(data: bytes) -> str:
    """The sha256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
