"""What tells the right file."""

from __future__ import annotations

import hashlib


def md5_of(data: bytes) -> str:
    """The md5 of bytes in hexadecimal; it tells damage, not malice."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
