"""A thin layer over llvmlite's builder: functions, loops, variables, and lanes of 16 numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from memspan.engine.fused.layout import LANES as LANES

FLOAT, DOUBLE, WHOLE, BITS, TRUTH = ir.FloatType(), ir.DoubleType(), ir.IntType(64), ir.IntType(32), ir.IntType(1)
POINTER = ir.PointerType()
VECTOR = ir.VectorType(FLOAT, LANES)
BIT_VECTOR = ir.VectorType(BITS, LANES)
BYTES = 4 * LANES
"""of a vector"""


class Code:
    """One function of one module, in the making. Values are llvmlite's; addresses count floats unless said otherwise.

    No fast-math flag is ever given: what is computed, and in which order, is what is written here, so that variants of
    a loop (one member or several side by side) give the same bits.
    """

    def __init__(self, name: str, arguments: Sequence[ir.Type]) -> None:
        self.name = name
        self.module = ir.Module(name)
        self.function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), list(arguments)), name)
        self.arguments = self.function.args
        self._entry = self.function.append_basic_block("entry")
        first = self.function.append_basic_block("first")
        self._entry_builder = ir.IRBuilder(self._entry)
        self.build = ir.IRBuilder(first)
        self._first = first

    def finish(self) -> str:
        """The module's text."""
        self.build.ret_void()
        self._entry_builder.branch(self._first)
        return str(self.module)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that another module defines."""
        kinds = [argument.type for argument in arguments]
        if name not in self.module.globals:
            ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        self.build.call(self.module.globals[name], arguments)

    # whole numbers and control

    def variable(self, kind: ir.Type, start: Any) -> Any:
        """A place for a value that loops change; registers, once optimised."""
        place = self._entry_builder.alloca(kind)
        self.build.store(start, place)
        return place

    def get(self, variable: Any, kind: ir.Type = VECTOR) -> Any:
        return self.build.load(variable, typ=kind)

    def set(self, variable: Any, value: Any) -> None:
        self.build.store(value, variable)

    @contextmanager
    def loop(self, stop: Any, start: Any = 0, stride: int = 1) -> Iterator[Any]:
        """Count from ``start`` to below ``stop``; gives the counter."""
        counter = self.variable(WHOLE, self._whole(start))
        head, body, end = (self.function.append_basic_block(name) for name in ("head", "body", "end"))
        self.build.branch(head)
        self.build.position_at_end(head)
        now = self.get(counter, WHOLE)
        self.build.cbranch(self.build.icmp_signed("<", now, self._whole(stop)), body, end)
        self.build.position_at_end(body)
        yield now
        self.set(counter, self.build.add(now, WHOLE(stride)))
        self.build.branch(head)
        self.build.position_at_end(end)

    @contextmanager
    def when(self, condition: Any) -> Iterator[None]:
        with self.build.if_then(condition):
            yield

    def _whole(self, number: Any) -> Any:
        return WHOLE(number) if isinstance(number, int) else number

    def plus(self, *numbers: Any) -> Any:
        """The sum of whole numbers; constants are added up beforehand."""
        constant = sum(number for number in numbers if isinstance(number, int))
        total = None
        for number in numbers:
            if not isinstance(number, int):
                total = number if total is None else self.build.add(total, number)
        if total is None:
            return WHOLE(constant)
        return self.build.add(total, WHOLE(constant)) if constant else total

    def times(self, a: Any, b: Any) -> Any:
        if isinstance(b, int) and b == 1:
            return a
        return self.build.mul(self._whole(a), self._whole(b))

    def smaller(self, a: Any, b: Any) -> Any:
        a, b = self._whole(a), self._whole(b)
        return self.build.select(self.build.icmp_signed("<", a, b), a, b)

    def larger(self, a: Any, b: Any) -> Any:
        a, b = self._whole(a), self._whole(b)
        return self.build.select(self.build.icmp_signed(">", a, b), a, b)

    # memory

    def at(self, address: Any, offset: Any, kind: ir.Type = FLOAT) -> Any:
        """The address some floats (or other items) further on."""
        if isinstance(offset, int) and offset == 0:
            return address
        return self.build.gep(address, [self._whole(offset)], source_etype=kind)

    def vector_at(self, address: Any, offset: Any) -> Any:
        """The address some vectors further on."""
        return self.at(address, offset, VECTOR)

    def load(self, address: Any, offset: Any = 0, align: int = BYTES) -> Any:
        """The vector that lies some vectors further on."""
        return self.build.load(self.vector_at(address, offset), typ=VECTOR, align=align)

    def store(self, value: Any, address: Any, offset: Any = 0) -> None:
        self.build.store(value, self.vector_at(address, offset), align=BYTES)

    def add_to(self, address: Any, offset: Any, value: Any) -> None:
        """Add to a stored vector."""
        place = self.vector_at(address, offset)
        self.build.store(self.add(self.build.load(place, typ=VECTOR, align=BYTES), value), place, align=BYTES)

    def scalar(self, address: Any, offset: Any = 0, kind: ir.Type = FLOAT) -> Any:
        return self.build.load(self.at(address, offset, kind), typ=kind)

    def broadcast(self, address: Any, offset: Any = 0) -> Any:
        """A float, in all lanes."""
        return self.spread(self.scalar(address, offset))

    def spread(self, number: Any) -> Any:
        """A scalar in all lanes."""
        kind = ir.VectorType(number.type, LANES)
        one = self.build.insert_element(ir.Constant(kind, ir.Undefined), number, BITS(0))
        zeros = ir.Constant(BIT_VECTOR, [BITS(0)] * LANES)
        return self.build.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    # numbers in lanes

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
