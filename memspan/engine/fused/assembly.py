"""Arithmetic in lanes: what a kernel computes, instruction by instruction."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from memspan.engine.fused.control import Control
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BIT_VECTOR, BITS, BYTES, DOUBLE, FLOAT, VECTOR


class Code(Control):
    """One function, in the making, with arithmetic in lanes.

    No fast-math flag is ever given: what is computed, and in which order, is what is written here, so that variants of
    a loop (one member or several side by side) give the same bits.
    """

    def number(self, number: float) -> Any:
        """A constant in all lanes."""
        return ir.Constant(VECTOR, [FLOAT(number)] * LANES)

    def bits(self, number: int) -> Any:
        return ir.Constant(BIT_VECTOR, [BITS(number)] * LANES)

    def add(self, a: Any, b: Any) -> Any:
        return self.build.fadd(a, b)

    def sub(self, a: Any, b: Any) -> Any:
        return self.build.fsub(a, b)

    def mul(self, a: Any, b: Any) -> Any:
        return self.build.fmul(a, b)

    def div(self, a: Any, b: Any) -> Any:
        return self.build.fdiv(a, b)

    def neg(self, a: Any) -> Any:
        return self.build.fneg(a)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c, rounded once."""
        return self.intrinsic("llvm.fma", a, b, c)

    def intrinsic(self, name: str, *operands: Any) -> Any:
        """One of LLVM's own functions for a type, e.g. ``llvm.sqrt``."""
        kind = operands[0].type
        suffix = f"v{LANES}f32" if kind == VECTOR else "f32" if kind == FLOAT else "f64"
        full = f"{name}.{suffix}"
        if full not in self.module.globals:
            ir.Function(self.module, ir.FunctionType(kind, [kind] * len(operands)), full)
        return self.build.call(self.module.globals[full], operands)

    def compare(self, sign: str, a: Any, b: Any) -> Any:
        """Lanes of truth; false where a number is NaN (but for !=)."""
        return self.build.fcmp_unordered(sign, a, b) if sign == "!=" else self.build.fcmp_ordered(sign, a, b)

    def select(self, mask: Any, yes: Any, no: Any) -> Any:
        return self.build.select(mask, yes, no)

    def at_least(self, x: Any, constant: float) -> Any:
        """max(x, constant); NaN stays NaN."""
        bound = self.number(constant)
        return self.select(self.compare(">", bound, x), bound, x)

    def at_most(self, x: Any, constant: float) -> Any:
        """min(x, constant); NaN stays NaN."""
        bound = self.number(constant)
        return self.select(self.compare("<", bound, x), bound, x)

    def total(self, x: Any) -> Any:
        """The sum of the lanes as a double, in a fixed order."""
        left, count = self.build.fpext(x, ir.VectorType(DOUBLE, LANES)), LANES
        while count > 1:
            count //= 2
            halves = [self._part(left, first, count) for first in (0, count)]
            left = self.build.fadd(*halves)
        return self.build.extract_element(left, BITS(0))

    def _part(self, vector: Any, first: int, count: int) -> Any:
        """Some lanes that lie side by side."""
        order = ir.Constant(ir.VectorType(BITS, count), [BITS(first + lane) for lane in range(count)])
        return self.build.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), order)

    def add_to(self, address: Any, offset: Any, value: Any) -> None:
        """Add to a stored vector."""
        place = self.vector_at(address, offset)
        self.build.store(self.add(self.build.load(place, typ=VECTOR, align=BYTES), value), place, align=BYTES)
