"""The kernels of a cell's pointwise part over the sequences and units of one time step, generated from its trace.

They run between matrix products; where their numbers lie, ``lanes.py`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.cell_step import gradients, new_states
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.library import library
from memspan.engine.fused.llvm_types import POINTER
from memspan.engine.fused.trace import traced
from memspan.engine.hybrid.lanes import Lanes, Places, Shape
from memspan.interfaces.cell import Cell


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
        traced(cell), len(cell.gates), cell.recurrent and not cell.joined, len(cell.states), len(cell.parameters)
    )
    return (forward(shape), backward(shape, every_step=False), backward(shape, every_step=True))


@lru_cache(maxsize=256)
def _linked(made: tuple[Kernel, ...]) -> CellKernels:
    linked = library().linked(made, [each.name for each in made])
    return CellKernels(*(linked[each.name] for each in made))


def forward(shape: Shape) -> Kernel:
    """``f(arguments)``: products, states, parameters."""
    code = Code(UNNAMED, [POINTER])
    places = Places(code, shape)
    step = shape.step

    def body(lanes: Lanes) -> None:
        lanes.keep(step.states, new_states(code, step, lanes.gates(), lanes.states(), lanes.parameters(), taped=False))

    places.loop(body)
    return kernel("hybrid_forward", code)


def backward(shape: Shape, every_step: bool) -> Kernel:
    """``f(arguments)``: products, states, parameters, gradients of states and of parameters, perhaps of all outputs."""
    code = Code(UNNAMED, [POINTER])
    places = Places(code, shape)
    step = shape.step
    wanted = (*step.gate_gradients, *step.state_gradients, *step.parameter_gradients)

    def body(lanes: Lanes) -> None:
        gates, states, parameters = lanes.gates(), lanes.states(), lanes.parameters()
        above = lanes.above() if every_step else None
        found = gradients(code, step, states, parameters, lanes.sent(), above, gates)
        lanes.send([found[node] for node in wanted])

    places.loop(body)
    return kernel("hybrid_backward_every_step" if every_step else "hybrid_backward", code)
