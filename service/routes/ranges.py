"""Ranges: parts of a file (RFC 9110, section 14), one range a request."""

import re

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from service.errors import Problem
from service.operations.checkpoints import Weights
from service.operations.exporting import File

RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
DIGITS = 20
"""of a position that are read: no file is longer, and Python refuses to read numbers of thousands of digits"""


class RangeNotSatisfiable(Problem):
    """The range lies outside the file."""

    status, code, title = 416, "range-not-satisfiable", "The range lies outside the file"


def ranged(request: Request, weights: Weights | File, etag: str, headers: dict[str, str]) -> Response:
    """The whole file, or the one range that was asked for while it is still the same file; read as it is sent.

    A header that we don't understand, several ranges among them, is ignored as the RFC allows.
    """
    headers = {**headers, "Accept-Ranges": "bytes"}
    wanted = RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    same = request.headers.get("if-range", etag) == etag
    if not wanted or not same or not any(wanted.groups()):
        return _sent(weights, 0, weights.size, 200, headers)
    start, stop = _bounds(wanted[1], wanted[2], weights.size)
    if start >= stop:
        message = f"The file has {weights.size} bytes; {wanted[0][:60]} lies outside it."
        raise RangeNotSatisfiable(message, headers={"Content-Range": f"bytes */{weights.size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{weights.size}"
    return _sent(weights, start, stop, 206, headers)


def _sent(weights: Weights | File, start: int, stop: int, status: int, headers: dict[str, str]) -> Response:
    headers["Content-Length"] = str(stop - start)
    return StreamingResponse(weights.read(start, stop), status, headers, media_type="application/octet-stream")


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """[start, stop) of ``first-last``, ``first-`` or the final ``-last`` bytes."""
    if not first:
        return max(size - _position(last), 0), size
    return _position(first), min(_position(last) + 1, size) if last else size


def _position(digits: str) -> int:
    significant = digits.lstrip("0")
    return 10**DIGITS if len(significant) > DIGITS else int(significant or "0")
