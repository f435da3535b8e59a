"""The unrolled loop of a small layer backwards through time, written out.

What is sent back through time and the sums of the weights' gradients stay in registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.backward_kernel import BackwardKernel
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.learners import Source
from memspan.engine.fused.llvm_types import VECTOR, WHOLE
from memspan.engine.fused.pointwise import Pointwise

Key = tuple[int, Source, int, int]
"""Unit, source, its row, node: weights that have these in common have the same gradient."""


class BackwardUnrolled(BackwardKernel):
    """All units written out."""

    def __init__(self, code: Code, layout: LayerLayout, every_step: bool, down: bool) -> None:
        super().__init__(code, layout, every_step, down)
        self.weights.keep_all()
        units = range(layout.size)
        self._carried = [[code.variable(VECTOR, self._first(index, unit)) for unit in units]
                         for index in range(layout.states)]  # fmt: skip
        self._sums = {key: code.variable(VECTOR, code.number(0)) for _, key in self._places()}

    def _first(self, index: int, unit: int) -> Any:
        """What is sent back into the last step."""
        if index == 0 and not self.every_step:
            return self.code.load(self.above, unit)
        return self.code.number(0)

    def write(self) -> None:
        code = self.code
        with code.loop(self.length) as count:
            self._step(code.build.sub(code.build.sub(self.length, WHOLE(1)), count))
        for place, key in self._places():
            code.add_to(self.gradients, place, code.get(self._sums[key]))

    def carried(self, index: int, unit: int) -> Any:
        return self.code.get(self._carried[index][unit])

    def _step(self, now: Any) -> None:
        code, layout = self.code, self.layout
        units = range(layout.size)
        found = [self.step_back(now, unit) for unit in units]
        back = [[each[node] for node in layout.step.state_gradients] for each in found]
        self._learn(now, found)
        if self.down:
            self._send_down(now, found)
        for unit in units:
            if layout.recurrent_weights is not None:
                nodes = layout.recurrent_gradients
                back[unit][0] = self._product(layout.recurrent_weights, unit, nodes, found, back[unit][0])
            for index, value in enumerate(back[unit]):
                code.set(self._carried[index][unit], value)

    def _product(self, place: int, row: int, nodes: Sequence[int], found: Sequence[Pointwise], total: Any) -> Any:
        """total + what all units send through one row of a matrix."""
        for unit, each in enumerate(found):
            total = self.through(place, row, nodes, unit, each, total)
        return total

    def _send_down(self, now: Any, found: Sequence[Pointwise]) -> None:
        """W^T dz."""
        code, layout = self.code, self.layout
        for channel in range(layout.inputs):
            total = self._product(layout.input_weights, channel, layout.input_gradients, found, code.number(0))
            code.store(total, self.below, code.plus(code.times(now, layout.inputs), channel))

    def _places(self) -> Iterator[tuple[int, Key]]:
        """Each weight's place, and what its gradient is summed up from."""
        size = self.layout.size
        for unit in range(size):
            for learner in self.learners:
                for row in range(learner.rows):
                    for block, node in enumerate(learner.nodes):
                        place = learner.place + (row * len(learner.nodes) + block) * size + unit
                        yield place, (unit, learner.source, row, node)

    def _learn(self, now: Any, found: Sequence[Pointwise]) -> None:
        """Add to the sums of the weights' gradients, each once."""
        code = self.code
        x, h = code.times(now, self.x_stride), code.times(now, self.layout.step_vectors)
        for (unit, source, row, node), total in self._sums.items():
            gradient, so_far = found[unit][node], code.get(total)
            if source == "one":
                code.set(total, code.add(so_far, gradient))
            else:
                address, base = (self.x, x) if source == "inputs" else (self.tape, h)
                code.set(total, code.fma(code.load(address, code.plus(base, row)), gradient, so_far))
