"""Kernels: compiled functions, named after their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from memspan.engine.fused.assembly import Code

UNNAMED = "unnamed"


@dataclass(frozen=True)
class Kernel:
    """A function in LLVM's assembly language; equal kernels have equal names, wherever they were made."""

    name: str
    text: str

    @property
    def purpose(self) -> str:
        """What it is for, e.g. backward; the name without the hash."""
        return self.name.rpartition("_")[0]


def kernel(purpose: str, code: Code) -> Kernel:
    """Name a finished function by its purpose and its content."""
    text = code.finish()
    name = f"{purpose}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return Kernel(name, text.replace(UNNAMED, name))
