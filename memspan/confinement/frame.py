"""Frames: what travels through the pipes between a parent and its confined child.

Two whole numbers of 8 bytes, little end first, then so many bytes of a JSON document and so many of a payload. Nothing
in a frame is ever run: a child that was taken over can lie in it, and do no more.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

HEAD = struct.Struct("<QQ")
DOCUMENT_BYTES = 16 * 2**20
"""of a document, most"""


@dataclass(frozen=True)
class Frame:
    """A JSON document, and raw bytes beside it."""

    document: dict[str, Any]
    payload: bytes | bytearray | memoryview = b""

    def parts(self) -> tuple[bytes, bytes | bytearray | memoryview]:
        """What is written: the head with the document, and the payload, which is not copied."""
        text = json.dumps(self.document, allow_nan=False).encode()
        return HEAD.pack(len(text), len(self.payload)) + text, self.payload
