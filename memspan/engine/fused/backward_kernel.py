"""The kernel of a layer backwards through time, unrolled or rolled: a unit's step back, products with its gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.cell_step import gradients
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.learners import learners
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.weights import BroadcastWeights, offset_by


class BackwardKernel(ABC):
    """A layer's loop backwards, in the making; see ``loops.backward`` for the kernel that it is.

    What goes back through time, and what weights learn, is kept where the layer has room for it: a small layer's in
    registers, a larger one's in scratch memory.
    """

    def __init__(self, code: Code, layout: LayerLayout, every_step: bool, down: bool) -> None:
        self.code, self.layout, self.every_step, self.down = code, layout, every_step, down
        self.length, self.x_stride = code.arguments[:2]
        self.x, self.row, self.tape, self.above, self.below, self.gradients, self.scratch = code.arguments[2:]
        self.weights = BroadcastWeights(code, layout, self.row)
        self.learners = learners(layout)

    @abstractmethod
    def write(self) -> None:
        """Write the loop."""

    @abstractmethod
    def carried(self, index: int, unit: Any) -> Any:
        """The gradient of a unit's new state that comes back through time."""

    def step_back(self, now: Any, unit: Any) -> Pointwise:
        """The gradients of a unit's step, by node."""
        code, layout = self.code, self.layout
        before = self.taped_at(now)
        states = [code.load(before, offset_by(code, index * layout.size, unit)) for index in range(layout.states)]
        parameters = [self.weights(place, unit) for place in layout.parameters]
        sent = [self.carried(index, unit) for index in range(layout.states)]
        above = None
        if self.every_step:
            above = code.load(self.above, code.plus(code.times(now, layout.size), unit))
        return gradients(code, layout.step, states, parameters, sent, above, tape=self._taped(now, unit))

    def _taped(self, now: Any, unit: Any) -> dict[int, Any]:
        """The new states and the tape of a unit's step."""
        code, step = self.code, self.layout.step
        after, found = self.taped_at(code.plus(now, 1)), {}
        for index, node in enumerate([*step.states, *step.tape]):
            if step.graph.nodes[node].operation != "given" or node in step.tape:
                found[node] = code.load(after, offset_by(code, index * self.layout.size, unit))
        return found

    def taped_at(self, now: Any) -> Any:
        """Where on the tape the states before a step lie."""
        return self.code.vector_at(self.tape, self.code.times(now, self.layout.step_vectors))

    def through(self, place: int, row: int, nodes: Sequence[int], unit: Any, found: Pointwise, total: Any) -> Any:
        """total + what a unit's gates send through one row of a matrix: a term of U^T dz or W^T dz.

        Args:
            place: where the matrix begins among the weights.
            nodes: the gradients of the gates that the matrix leads to.
        """
        code, layout = self.code, self.layout
        for gate, node in enumerate(nodes):
            weight = self.weights(place + row * layout.width, offset_by(code, gate * layout.size, unit))
            total = code.fma(weight, found[node], total)
        return total
