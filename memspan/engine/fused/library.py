"""The library of compiled kernels: in this process, and on disk for all processes of a user.

An entry on disk is named after all that it depends on: the kernel's text, the processor and the compiler. It is
written beside its place and then moved there, so that processes which compile the same kernel at once do no harm, and
is sealed (``seal.py``): what is damaged, or what somebody else put there, is never loaded but compiled again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from memspan.engine.fused.compiler import Linked, compiled, processor
from memspan.engine.fused.kernel import Kernel
from memspan.engine.fused.owned import NotOurs, check_folder, owned_bytes
from memspan.engine.fused.seal import Seal, seal_of
from memspan.engine.fused.sources import had
from memspan.interfaces.home import home_folder

log = logging.getLogger("memspan.engine")


def cache_folder() -> Path:
    """Where compiled code is kept: $MEMSPAN_CACHE, or memspan in the user's cache folder."""
    chosen = os.environ.get("MEMSPAN_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "memspan"


class Library:
    """Compiled kernels.

    Args:
        folder: of compiled code.
        home: folder of the key that it is sealed with.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder, self._home = folder / "fused", home
        self._objects: dict[str, bytes] = {}

    def linked(self, kernels: Sequence[Kernel], names: Sequence[str]) -> Linked:
        """Kernels that call each other, ready to be called by name."""
        self._announce(kernels)
        return Linked([self.object(kernel) for kernel in kernels], names)

    def _announce(self, kernels: Sequence[Kernel]) -> None:
        new = [kernel for kernel in kernels if kernel.name not in self._objects and not self._is_stored(kernel)]
        if new:
            log.info("Compiling %d loops of the fused engine for this processor, once; kept in %s.",
                     len(new), self._folder)  # fmt: skip

    def object(self, kernel: Kernel) -> bytes:
        """The object code of a kernel, compiled if nobody has it."""
        if kernel.name not in self._objects:
            found = self._read(kernel)
            had("disk" if found else "compiled")
            self._objects[kernel.name] = found or self._made(kernel)
        return self._objects[kernel.name]

    @cached_property
    def _seal(self) -> Seal | None:
        """What entries are sealed with; None where nothing stored can be trusted, which is said once."""
        try:
            seal = seal_of(self._home)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_folder(self._folder)
        except (NotOurs, OSError) as error:
            log.warning(
                "Compiled loops are neither loaded from %s nor kept there, but compiled by each process anew: %s.",
                self._folder,
                error,
            )
            return None
        return seal

    def _path(self, kernel: Kernel, seal: Seal) -> Path:
        content = f"{kernel.text}\n{processor()}"
        return self._folder / f"{seal.name(content)}.o"

    def _is_stored(self, kernel: Kernel) -> bool:
        return self._seal is not None and self._path(kernel, self._seal).exists()

    def _read(self, kernel: Kernel) -> bytes | None:
        """What the disk has; None if that is nothing, damaged or not ours."""
        if self._seal is None:
            return None
        path = self._path(kernel, self._seal)
        try:
            code = self._seal.opened(path.name, owned_bytes(path))
        except FileNotFoundError:
            return None
        except (NotOurs, OSError) as error:
            log.warning("Compiled code is not loaded but compiled anew: %s.", error)
            return None
        if code is None:
            log.warning("Compiled code is not loaded but compiled anew: %s is damaged, or wasn't made here.", path)
        return code

    def _made(self, kernel: Kernel) -> bytes:
        code = compiled(kernel)
        if self._seal is not None:
            path = self._path(kernel, self._seal)
            with contextlib.suppress(OSError):  # a disk that is full or read-only costs a compilation each time
                self._write(path, self._seal.sealed(path.name, code))
        return code

    def _write(self, path: Path, data: bytes) -> None:
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
    return Library(cache_folder(), home_folder())
