"""What both ways of writing the loop of a layer backwards through time share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.forward import BroadcastWeights, offset_by
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.products import Products


class BackwardLoop:
    """A layer's loop backwards, in the making."""

    def __init__(self, code: Code, layout: LayerLayout, every_step: bool, down: bool, products: Products) -> None:
        self.code, self.layout, self.every_step, self.down, self.products = code, layout, every_step, down, products
        self.length, self.x_stride = code.arguments[:2]
        self.x, self.row, self.tape, self.above, self.below, self.gradients, self.scratch = code.arguments[2:]
        self.weights = BroadcastWeights(code, layout, self.row)

    @abstractmethod
    def write(self) -> None:
        """Write the loop."""

    def given(self, now: Any, unit: Any, sent: Sequence[Any]) -> dict[int, Any]:
        """The nodes that are known at a step of a unit: old and new states, the tape, parameters, what is sent back."""
        code, layout, step = self.code, self.layout, self.layout.step
        before = code.vector_at(self.tape, code.times(now, layout.step_vectors))
        after = code.vector_at(self.tape, code.times(code.plus(now, 1), layout.step_vectors))
        known: dict[int, Any] = {}
        first = len(step.gate_gradients)
        for index, root in enumerate([*step.states, *step.tape]):
            if step.graph.nodes[root].operation != "given" or root in step.tape:
                known[root] = code.load(after, offset_by(code, index * layout.size, unit))
        for index in range(layout.states):
            known[first + index] = code.load(before, offset_by(code, index * layout.size, unit))
        for index, place in enumerate(layout.parameters):
            known[first + layout.states + index] = self.weights(place, unit)
        last = first + layout.states + len(layout.parameters)
        return known | {last + index: value for index, value in enumerate(sent)}

    def worked_out(self, now: Any, unit: Any, sent: Sequence[Any]) -> Pointwise:
        """The gradients of a step of a unit."""
        step = self.layout.step
        roots = [*step.gradients, *step.state_gradients]
        return Pointwise(self.code, step.graph, self.given(now, unit, sent), roots)
