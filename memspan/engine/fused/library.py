"""The library of compiled kernels: in this process, and on disk for all processes of a user.

An entry on disk is named after all that it depends on: the kernel's text, the processor and the compiler. It is
written beside its place and then moved there, so that processes which compile the same kernel at once do no harm, and
begins with a checksum: an entry that is damaged is compiled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from memspan.engine.fused.compiler import Linked, compiled, processor
from memspan.engine.fused.kernel import Kernel

log = logging.getLogger("memspan.engine")
CHECKSUM_BYTES = 32


def cache_folder() -> Path:
    """Where compiled code is kept: $MEMSPAN_CACHE, or memspan in the user's cache folder."""
    chosen = os.environ.get("MEMSPAN_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "memspan"


class Library:
    """Compiled kernels."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "fused"
        self._objects: dict[str, bytes] = {}

    def linked(self, kernels: Sequence[Kernel], names: Sequence[str]) -> Linked:
        """Kernels that call each other, ready to be called by name."""
        self._announce(kernels)
        return Linked([self.object(kernel) for kernel in kernels], names)

    def _announce(self, kernels: Sequence[Kernel]) -> None:
        new = [kernel for kernel in kernels if kernel.name not in self._objects and not self._path(kernel).exists()]
        if new:
            log.info("Compiling %d loops of the fused engine for this processor, once; kept in %s.",
                     len(new), self._folder)  # fmt: skip

    def object(self, kernel: Kernel) -> bytes:
        """The object code of a kernel, compiled if nobody has it."""
        if kernel.name not in self._objects:
            self._objects[kernel.name] = self._read(kernel) or self._made(kernel)
        return self._objects[kernel.name]

    def _path(self, kernel: Kernel) -> Path:
        content = f"{kernel.text}\n{processor()}"
        return self._folder / f"{hashlib.sha256(content.encode()).hexdigest()[:40]}.o"

    def _read(self, kernel: Kernel) -> bytes | None:
        """What the disk has; None if that is nothing or damaged."""
        with contextlib.suppress(OSError):
            data = self._path(kernel).read_bytes()
            checksum, code = data[:CHECKSUM_BYTES], data[CHECKSUM_BYTES:]
            if code and hashlib.sha256(code).digest() == checksum:
                return code
        return None

    def _made(self, kernel: Kernel) -> bytes:
        code = compiled(kernel)
        with contextlib.suppress(OSError):  # a disk that is full or read-only costs a compilation each time
            self._write(self._path(kernel), hashlib.sha256(code).digest() + code)
        return code

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix="making-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


@lru_cache(maxsize=1)
def library() -> Library:
    """The library of this process."""
    return Library(cache_folder())
