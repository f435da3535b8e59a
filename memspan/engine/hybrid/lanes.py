"""Where the numbers of one time step of a hybrid layer lie, and how 16 units of a sequence get into lanes and back.

Between matrix products numbers have the order of matrices: a row for each sequence, G blocks of H pre-activations in
it. 16 units are computed side by side; at the end of a row lanes without a unit are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from llvmlite import ir

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BIT_VECTOR, BITS, POINTER, TRUTH, VECTOR, WHOLE
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.trace import TracedStep
from memspan.engine.hybrid.arguments import FIRST_ADDRESS, ROWS, SIZE, STEP

MASK = ir.VectorType(TRUTH, LANES)
ALIGNMENT = 4
"""bytes; rows begin anywhere"""


@dataclass(frozen=True)
class Shape:
    """A traced step, the blocks of a row, and how many matrices of them, states and parameters there are."""

    step: TracedStep
    blocks: int
    separate: bool
    states: int
    parameters: int


class Places:
    """Where the numbers of a time step begin."""

    def __init__(self, code: Code, shape: Shape) -> None:
        self.code, self.shape = code, shape
        self.rows, self.size, now = (self._number(place) for place in (ROWS, SIZE, STEP))
        self.width = code.times(self.size, WHOLE(shape.blocks))
        self.before = code.times(code.times(now, self.rows), self.size)
        self.after = code.plus(self.before, code.times(self.rows, self.size))
        start, matrices = FIRST_ADDRESS, 1 + shape.separate
        products = code.times(self.before, WHOLE(shape.blocks))
        self.products = [code.at(self._address(start + index), products) for index in range(matrices)]
        self.states = [self._address(start + matrices + index) for index in range(shape.states)]
        self._rest = start + matrices + shape.states

    def parameter(self, index: int) -> Any:
        return self._address(self._rest + index)

    def state_gradient(self, index: int) -> Any:
        return self._address(self._rest + self.shape.parameters + index)

    def parameter_gradient(self, index: int) -> Any:
        return self._address(self._rest + self.shape.parameters + self.shape.states + index)

    def output_gradients(self) -> Any:
        """Gradients of the outputs after this step, from the layer above."""
        last = self._rest + 2 * self.shape.parameters + self.shape.states
        return self.code.at(self._address(last), self.before)

    def loop(self, body: Callable[[Lanes], None]) -> None:
        """All sequences, and for each all units, 16 at a time."""
        code = self.code
        full = code.build.and_(self.size, WHOLE(-LANES))
        rest = code.build.sub(self.size, full)
        lanes = ir.Constant(BIT_VECTOR, [BITS(lane) for lane in range(LANES)])
        mask = code.build.icmp_signed("<", lanes, code.spread(code.build.trunc(rest, BITS)))
        with code.loop(self.rows) as row:
            with code.loop(full, 0, LANES) as first:
                body(Lanes(self, row, first, None))
            with code.when(code.build.icmp_signed(">", rest, WHOLE(0))):
                body(Lanes(self, row, full, mask))

    def _number(self, place: int) -> Any:
        return self.code.scalar(self.code.arguments[0], place, WHOLE)

    def _address(self, place: int) -> Any:
        return self.code.build.inttoptr(self._number(place), POINTER)


class Lanes:
    """16 units of one sequence, or those that are left at the end of a row."""

    def __init__(self, places: Places, row: Any, first: Any, mask: Any) -> None:
        code = places.code
        self._places, self._code, self._first, self._mask = places, code, first, mask
        self._in_row = code.plus(code.times(row, places.size), first)
        block = code.plus(code.times(row, places.width), first)
        self._gates = [
            code.at(matrix, code.plus(block, code.times(places.size, WHOLE(index))))
            for matrix in places.products
            for index in range(places.shape.blocks)
        ]

    @cached_property
    def _state_gradients(self) -> list[Any]:
        places = self._places
        return [self._code.at(places.state_gradient(index), self._in_row) for index in range(places.shape.states)]

    def gates(self) -> list[Any]:
        return [self._load(place) for place in self._gates]

    def states(self) -> list[Any]:
        """The states before the step."""
        start = self._code.plus(self._places.before, self._in_row)
        return [self._load(self._code.at(base, start)) for base in self._places.states]

    def keep(self, wanted: Sequence[int], made: Pointwise) -> None:
        """Store the states after the step."""
        start = self._code.plus(self._places.after, self._in_row)
        for index, base in zip(wanted, self._places.states, strict=True):
            self._store(made[index], self._code.at(base, start))

    def parameters(self) -> list[Any]:
        return [self._load(self._unit(self._places.parameter(index))) for index in self._parameter_range()]

    def sent(self) -> list[Any]:
        """Gradients of the new states, from the step after this one."""
        return [self._load(place) for place in self._state_gradients]

    def above(self) -> Any:
        """The gradient of the new output, from the layer above."""
        return self._load(self._code.at(self._places.output_gradients(), self._in_row))

    def send(self, gradients: Sequence[Any]) -> None:
        """Store gradients of pre-activations and old states, and add those of parameters up."""
        places = [*self._gates, *self._state_gradients]
        for value, place in zip(gradients, places, strict=False):
            self._store(value, place)
        for index, value in zip(self._parameter_range(), gradients[len(places) :], strict=True):
            place = self._unit(self._places.parameter_gradient(index))
            self._store(self._code.add(self._load(place), value), place)

    def _parameter_range(self) -> range:
        return range(self._places.shape.parameters)

    def _unit(self, base: Any) -> Any:
        return self._code.at(base, self._first)

    def _load(self, place: Any) -> Any:
        if self._mask is None:
            return self._code.build.load(place, typ=VECTOR, align=ALIGNMENT)
        kind = ir.FunctionType(VECTOR, [POINTER, BITS, MASK, VECTOR])
        return self._masked("load", kind, place, BITS(ALIGNMENT), self._mask, self._code.number(0))

    def _store(self, value: Any, place: Any) -> None:
        if self._mask is None:
            self._code.build.store(value, place, align=ALIGNMENT)
            return
        kind = ir.FunctionType(ir.VoidType(), [VECTOR, POINTER, BITS, MASK])
        self._masked("store", kind, value, place, BITS(ALIGNMENT), self._mask)

    def _masked(self, verb: str, kind: ir.FunctionType, *operands: Any) -> Any:
        name = f"llvm.masked.{verb}.v{LANES}f32.p0"
        if name not in self._code.module.globals:
            ir.Function(self._code.module, kind, name)
        return self._code.build.call(self._code.module.globals[name], operands)
