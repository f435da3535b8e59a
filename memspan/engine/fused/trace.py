"""Tracing: what a cell's torch function computes, and what autograd makes of it, one ATen operation after another.

Every tensor of the trace holds one number, so that nothing broadcasts. A tensor is known by its memory: autograd hands
saved tensors back as new objects, and views are the same number. A number that is no tensor is known by its value:
torch hands on a float, not the object that it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from memspan.engine.fused.graph import COSTLY, Graph, Value
from memspan.engine.fused.operations import OPERATIONS
from memspan.interfaces.cell import Cell

IGNORED = frozenset({"dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking", "implicit", "out"})
"""keywords that say how, or where, a tensor lies in memory"""
UNLIKELY = 0.7310585786300049
"""about what scalars are while they are traced; no function has such a constant of its own"""


class UnknownOperation(Exception):
    """The table of operations has no line for it."""


@dataclass(frozen=True)
class TracedStep:
    """One step of a cell, forward and backward, as a graph.

    All are indices of nodes. Gates of a cell whose two products are kept separate are those of W x, then those of U h.

    Attributes:
        states: the new states.
        gate_gradients, state_gradients, parameter_gradients: of the loss, by the gates, the old states, the parameters.
        tape: what the forward loop keeps for the backward one, beside the states.
    """

    graph: Graph
    states: tuple[int, ...]
    gate_gradients: tuple[int, ...]
    state_gradients: tuple[int, ...]
    parameter_gradients: tuple[int, ...]
    tape: tuple[int, ...]

    @property
    def gradients(self) -> tuple[int, ...]:
        """What weights learn from, each node once: of gates, then of parameters."""
        return tuple(dict.fromkeys(self.gate_gradients + self.parameter_gradients))

    def __str__(self) -> str:
        """The graph in words, as the tests keep it."""
        roots = {
            "states": self.states,
            "gate gradients": self.gate_gradients,
            "state gradients": self.state_gradients,
            "parameter gradients": self.parameter_gradients,
            "tape": self.tape,
        }
        used = self.graph.reachable(index for indices in roots.values() for index in indices)
        lines = [f"%{index} = {node}" for index, node in enumerate(self.graph.nodes) if index in used]
        lines += [" ".join([f"{name}:", *(f"%{index}" for index in each)]) for name, each in roots.items()]
        return "\n".join(lines) + "\n"


def traced(cell: Cell) -> TracedStep:
    """Trace a cell, or UnknownOperation; once for each cell of the process."""
    return _cached(_Key(cell))


class _Key:
    """A cell that compares by content: specs make a new ``partial`` of one function each time."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        function: Any = cell.pointwise
        bound: tuple[Any, ...] = ()
        while isinstance(function, partial):
            bound += (function.args, tuple(sorted(function.keywords.items())))
            function = function.func
        cells = getattr(function, "__closure__", None) or ()
        body = (getattr(function, "__code__", function), tuple(each.cell_contents for each in cells))
        self._content = (body, bound, cell.gates, cell.states, cell.parameters, cell.joined, cell.recurrent)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


@lru_cache(maxsize=256)
def _cached(key: _Key) -> TracedStep:
    cell = key.cell
    recorder = Recorder()
    gates = recorder.inputs(f"gate.{name}" for name in gate_names(cell))
    states = recorder.inputs(f"state.{name}" for name in cell.states)
    parameters = recorder.inputs(f"parameter.{name}" for name in cell.parameters)
    sent = recorder.inputs(f"gradient.{name}" for name in cell.states)
    with torch.enable_grad(), recorder:
        new = cell.pointwise(gates, states, parameters)
        wanted = [*gates, *states, *parameters]
        found = torch.autograd.grad(_sum_of_products(new, sent), wanted, allow_unused=True)
    outputs = tuple(recorder.value(each).index for each in new)
    gradients = [recorder.gradient(each).index for each in found]
    first, second = len(gates), len(gates) + len(states)
    tape = _tape(recorder.graph, outputs, gradients)
    return TracedStep(
        recorder.graph,
        outputs,
        tuple(gradients[:first]),
        tuple(gradients[first:second]),
        tuple(gradients[second:]),
        tape,
    )


def _sum_of_products(states: Sequence[Tensor], sent: Sequence[Tensor]) -> Tensor:
    """A number whose gradient by each state is what is sent to it.

    Gradients that are given to autograd instead make torch import its algebra of shapes: a fifth of a second, 40 MB.
    """
    total = states[0] * sent[0].detach()
    for state, gradient in zip(states[1:], sent[1:], strict=True):
        total = total + state * gradient.detach()
    return total


def gate_names(cell: Cell) -> tuple[str, ...]:
    """Names of the pre-activations that the pointwise part gets."""
    if cell.joined or not cell.recurrent:
        return cell.gates
    return tuple(f"{side}.{name}" for side in ("input", "state") for name in cell.gates)


def _tape(graph: Graph, states: Sequence[int], gradients: Sequence[int]) -> tuple[int, ...]:
    """What the backward loop wants from the forward one: costly numbers and pre-activations; the rest it recomputes."""
    forward, kept, seen = graph.reachable(states), set(), set()
    waiting = list(gradients)
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        node = graph.nodes[index]
        if index in forward and index in states and node.operation != "given":
            continue  # a new state is stored anyway
        if (index in forward and node.operation in COSTLY) or node.name.startswith("gate."):
            kept.add(index)
        else:
            waiting += node.inputs
    return tuple(sorted(kept))


class Scalar(float):
    """A float that only torch may compute with: nobody could follow its sums, products and comparisons elsewhere."""

    def _lost(self, *others: object) -> Any:
        raise UnknownOperation("a number that is given, outside torch")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _lost
    __pow__ = __rpow__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _lost


class Recorder(TorchDispatchMode):
    """Writes down every operation between its tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = Graph()
        self._values: dict[int, Value] = {}
        self._scalars: dict[float, Value] = {}
        self._alive: list[Tensor] = []  # memory that is freed would be given to another tensor

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled by torch; skipping its compiler would first import it, for seconds."""
        return False

    def inputs(self, names: Iterable[str]) -> tuple[Tensor, ...]:
        """A tensor for each name."""
        made = []
        for name in names:
            tensor = torch.full((1, 1, 1), 0.5, requires_grad=True)
            self._keep(tensor, self.graph.given(name))
            made.append(tensor)
        return tuple(made)

    def scalars(self, names: Iterable[str]) -> dict[str, float]:
        """A number for each name, to be handed to torch as it is or negated."""
        made: dict[str, float] = {
            name: Scalar(UNLIKELY + 2**-20 * (len(self._scalars) + place)) for place, name in enumerate(names)
        }
        self._scalars |= {number: self.graph.given(f"scalar.{name}") for name, number in made.items()}
        return made

    def value(self, tensor: Tensor) -> Value:
        """A tensor's node; one that the trace hasn't made is a constant."""
        address = tensor.data_ptr()
        if address not in self._values:
            if tensor.numel() != 1:
                raise UnknownOperation(f"a constant tensor of shape {tuple(tensor.shape)}")
            self._keep(tensor, self.graph.constant(float(tensor.detach())))
        return self._values[address]

    def gradient(self, tensor: Tensor | None) -> Value:
        return self.graph.constant(0) if tensor is None else self.value(tensor)

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = function._schema.name.removeprefix("aten::")
        before = [self._operand(each) for each in args]
        given = {key: self._operand(each) for key, each in kwargs.items() if key not in IGNORED}
        result = function(*args, **kwargs)
        if not isinstance(result, Tensor):
            raise UnknownOperation(name)
        in_place = (name.endswith("_") and not name.startswith("_")) or "out" in kwargs
        if in_place or result.data_ptr() not in self._values:
            self._record(name.rstrip("_"), before, given, result)
        return result

    def _record(self, name: str, operands: Sequence[Any], given: Mapping[str, Any], result: Tensor) -> None:
        if not any(isinstance(each, Value) and not self._is_constant(each) for each in operands):
            self._keep(result, self.graph.constant(float(result.detach())))
        elif name in OPERATIONS:
            self._keep(result, self.graph.lift(OPERATIONS[name](*operands, **given)))
        else:
            raise UnknownOperation(name)

    def _is_constant(self, value: Value) -> bool:
        return self.graph.number(value) is not None

    def _operand(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return self.value(argument)
        if isinstance(argument, (int, float)) and not isinstance(argument, bool):
            return self._number(argument)
        return argument

    def _number(self, number: float) -> Value:
        """A scalar, a negated one, or a constant."""
        if -number in self._scalars:
            return -self._scalars[-number]
        return self._scalars[number] if number in self._scalars else self.graph.constant(number)

    def _keep(self, tensor: Tensor, value: Value) -> None:
        self._alive.append(tensor)
        self._values[tensor.data_ptr()] = value
