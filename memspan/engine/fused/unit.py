"""Units of compiled code: one function each, named after its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from memspan.engine.fused.assembly import Code

UNNAMED = "unnamed"


@dataclass(frozen=True)
class Unit:
    """A function in LLVM's assembly language; equal units have equal names, wherever they were made."""

    name: str
    text: str


def unit(purpose: str, code: Code) -> Unit:
    """Name a finished function by its purpose and its content."""
    text = code.finish()
    name = f"{purpose}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return Unit(name, text.replace(UNNAMED, name))
