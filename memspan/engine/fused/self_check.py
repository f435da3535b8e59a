"""A self-check of the compiler: one small function, compiled, called, and its answer checked."""

from __future__ import annotations

import ctypes

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import UNNAMED, kernel
from memspan.engine.fused.library import library
from memspan.engine.fused.llvm_types import POINTER


class SelfCheckFailed(RuntimeError):
    """Compiled code computes something else than it should."""


def self_check() -> None:
    """Add 1 to 16 numbers, or say what is wrong by an error."""
    code = Code(UNNAMED, [POINTER])
    code.build.store(code.add(code.load(code.arguments[0], align=4), code.number(1)), code.arguments[0], align=4)
    made = kernel("self_check", code)
    numbers = (ctypes.c_float * 16)(*range(16))
    library().linked([made], [made.name])[made.name](ctypes.addressof(numbers))
    if list(numbers) != [index + 1.0 for index in range(16)]:
        raise SelfCheckFailed("Compiled code adds numbers up wrongly.")
