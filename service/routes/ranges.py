"""Ranges: parts of a file (RFC 9110, section 14), one range a request."""

import re

from fastapi import Request, Response

from service.errors import Problem

RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
DIGITS = 20
"""of a position that are read: no file is longer, and Python refuses to read numbers of thousands of digits"""


class RangeNotSatisfiable(Problem):
    """The range lies outside the file."""

    status, code, title = 416, "range-not-satisfiable", "The range lies outside the file"


def ranged(request: Request, data: bytes, etag: str, headers: dict[str, str]) -> Response:
    """The whole file, or the one range that was asked for while it is still the same file.

    A header that we don't understand, several ranges among them, is ignored as the RFC allows.
    """
    headers = {**headers, "Accept-Ranges": "bytes"}
    wanted = RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    same = request.headers.get("if-range", etag) == etag
    if not wanted or not same or not any(wanted.groups()):
        return Response(data, media_type="application/octet-stream", headers=headers)
    start, stop = _bounds(wanted[1], wanted[2], len(data))
    if start >= stop:
        message = f"The file has {len(data)} bytes; {wanted[0][:60]} lies outside it."
        raise RangeNotSatisfiable(message, headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Response(data[start:stop], status_code=206, media_type="application/octet-stream", headers=headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """[start, stop) of ``first-last``, ``first-`` or the final ``-last`` bytes."""
    if not first:
        return max(size - _position(last), 0), size
    return _position(first), min(_position(last) + 1, size) if last else size


def _position(digits: str) -> int:
    significant = digits.lstrip("0")
    return 10**DIGITS if len(significant) > DIGITS else int(significant or "0")
