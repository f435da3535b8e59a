"""A thin layer over llvmlite's builder: functions, loops, variables and memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BIT_VECTOR, BITS, BYTES, FLOAT, VECTOR, WHOLE


class Control:
    """One function of one module, in the making: its calls, variables, loops, whole numbers and memory.

    Values are llvmlite's; addresses count floats unless said otherwise.
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
