"""The seal on compiled code: what was stored by us is told from what somebody put there.

Machine code that is loaded is run. So each stored piece begins with an HMAC of its name and its bytes, under a key that
lies in the home folder and is nobody else's to read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from memspan.engine.fused.owned import NotOurs, owned_bytes

KEY_BYTES = 32
SEAL_BYTES = hashlib.sha256().digest_size
KEY_FILE = "compiled.key"
"""in the home folder"""


@dataclass(frozen=True)
class Seal:
    """Seals, and says whether a seal is whole."""

    key: bytes = field(repr=False)

    def name(self, content: str) -> str:
        """A name for what is made from some content; another key gives another one, so that no two keys share files."""
        return hmac.digest(self.key, b"name " + content.encode(), "sha256").hex()[:40]

    def sealed(self, name: str, code: bytes) -> bytes:
        """Code with its seal before it."""
        return self._of(name, code) + code

    def opened(self, name: str, data: bytes) -> bytes | None:
        """The code in sealed data; None where it is damaged, bears another name or was sealed by another key."""
        seal, code = data[:SEAL_BYTES], data[SEAL_BYTES:]
        return code if code and hmac.compare_digest(seal, self._of(name, code)) else None

    def _of(self, name: str, code: bytes) -> bytes:
        return hmac.digest(self.key, b"code " + name.encode() + b"\0" + code, "sha256")


def seal_of(home: Path) -> Seal:
    """The seal of a home folder; its key is made at its first use.

    Processes that begin together agree on one: a key is written beside its place, whole, and linked there only where
    none is.

    Raises:
        NotOurs: the key may be known to others, or is no key.
        OSError: there is none, and none can be made.
    """
    path = home / KEY_FILE
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make(path)
    return _read(path)


def _read(path: Path) -> Seal:
    key = owned_bytes(path, secret=True)
    if len(key) != KEY_BYTES:
        raise NotOurs(f"{path} has {len(key)} bytes; a key has {KEY_BYTES}")
    return Seal(key)


def _make(path: Path) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".making-")  # for its owner alone: mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
