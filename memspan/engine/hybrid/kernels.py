"""The loops of a cell's pointwise part over the sequences and units of one time step, generated from its trace.

They lie between matrix products, so numbers have the order of matrices: a row for each sequence, G blocks of H
pre-activations in it. 16 units are computed side by side; at the end of a row lanes without a unit are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llvmlite import ir

from memspan.engine.fused.assembly import BIT_VECTOR, BITS, LANES, POINTER, TRUTH, VECTOR, WHOLE, Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.library import library
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.trace import Step, step
from memspan.engine.hybrid.arguments import FIRST_ADDRESS, ROWS, SIZE, STEP
from memspan.interfaces.cell import Cell

MASK = ir.VectorType(TRUTH, LANES)
ALIGNMENT = 4
"""bytes; rows begin anywhere"""


@dataclass(frozen=True)
class CellKernels:
    """Compiled loops; each takes the address of its arguments.

    Attributes:
        forward: new states from pre-activations and old states.
        backward: gradients of the pre-activations, in their places, and of the old states, in those of the new ones;
            those of the parameters are added up.
        backward_every_step: the same where a gradient also comes from above at every step.
    """

    forward: Callable[[int], None]
    backward: Callable[[int], None]
    backward_every_step: Callable[[int], None]


def cell_kernels(cell: Cell) -> CellKernels:
    """The loops of a cell, or UnknownOperation; compiled once on a machine."""
    return _linked(kernels(cell))


def kernels(cell: Cell) -> tuple[Kernel, ...]:
    """The code of the loops forward, backward, and backward with gradients of every output."""
    shape = Shape(
        step(cell), len(cell.gates), cell.recurrent and not cell.joined, len(cell.states), len(cell.parameters)
    )
    return (forward(shape), backward(shape, outputs=False), backward(shape, outputs=True))


@lru_cache(maxsize=256)
def _linked(made: tuple[Kernel, ...]) -> CellKernels:
    linked = library().linked(made, [each.name for each in made])
    return CellKernels(*(linked[each.name] for each in made))


@dataclass(frozen=True)
class Shape:
    """A traced step, the blocks of a row, and how many matrices of them, states and parameters there are."""

    step: Step
    blocks: int
    separate: bool
    states: int
    parameters: int


def forward(shape: Shape) -> Kernel:
    """``f(arguments)``: products, states, parameters."""
    code = Code(UNNAMED, [POINTER])
    places = _Places(code, shape)

    def body(lane: _Lanes) -> None:
        given = [*lane.gates(), *lane.old(), *lane.parameters()]
        made = Pointwise(code, shape.step.graph, dict(enumerate(given)), shape.step.states)
        lane.keep(shape.step.states, made)

    places.loop(body)
    return kernel("hybrid_forward", code)


def backward(shape: Shape, outputs: bool) -> Kernel:
    """``f(arguments)``: products, states, parameters, gradients of states and of parameters, perhaps of all outputs."""
    code = Code(UNNAMED, [POINTER])
    places = _Places(code, shape)
    wanted = (*shape.step.gate_gradients, *shape.step.state_gradients, *shape.step.parameter_gradients)

    def body(lane: _Lanes) -> None:
        given = [*lane.gates(), *lane.old(), *lane.parameters(), *lane.sent(outputs)]
        made = Pointwise(code, shape.step.graph, dict(enumerate(given)), wanted)
        lane.send([made[index] for index in wanted])

    places.loop(body)
    return kernel("hybrid_backward_every_step" if outputs else "hybrid_backward", code)


class _Places:
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

    def outputs(self) -> Any:
        """Gradients of the outputs after this step."""
        last = self._rest + 2 * self.shape.parameters + self.shape.states
        return self.code.at(self._address(last), self.before)

    def loop(self, body: Callable[[_Lanes], None]) -> None:
        """All sequences, and for each all units, 16 at a time."""
        code = self.code
        full = code.build.and_(self.size, WHOLE(-LANES))
        rest = code.build.sub(self.size, full)
        lanes = ir.Constant(BIT_VECTOR, [BITS(lane) for lane in range(LANES)])
        mask = code.build.icmp_signed("<", lanes, code.spread(code.build.trunc(rest, BITS)))
        with code.loop(self.rows) as row:
            with code.loop(full, 0, LANES) as first:
                body(_Lanes(self, row, first, None))
            with code.when(code.build.icmp_signed(">", rest, WHOLE(0))):
                body(_Lanes(self, row, full, mask))

    def _number(self, place: int) -> Any:
        return self.code.scalar(self.code.arguments[0], place, WHOLE)

    def _address(self, place: int) -> Any:
        return self.code.build.inttoptr(self._number(place), POINTER)


class _Lanes:
    """16 units of one sequence."""

    def __init__(self, places: _Places, row: Any, first: Any, mask: Any) -> None:
        code = places.code
        self._places, self._code, self._first, self._mask = places, code, first, mask
        self._in_row = code.plus(code.times(row, places.size), first)
        block = code.plus(code.times(row, places.width), first)
        self._gates = [
            code.at(matrix, code.plus(block, code.times(places.size, WHOLE(index))))
            for matrix in places.products
            for index in range(places.shape.blocks)
        ]
        self._state_gradients: list[Any] = []

    def gates(self) -> list[Any]:
        return [self._load(place) for place in self._gates]

    def old(self) -> list[Any]:
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

    def sent(self, outputs: bool) -> list[Any]:
        """Gradients of the new states, that of the output with what comes from above."""
        bases = [self._places.state_gradient(index) for index in range(self._places.shape.states)]
        self._state_gradients = [self._code.at(base, self._in_row) for base in bases]
        sent = [self._load(place) for place in self._state_gradients]
        if outputs:
            sent[0] = self._code.add(sent[0], self._load(self._code.at(self._places.outputs(), self._in_row)))
        return sent

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
