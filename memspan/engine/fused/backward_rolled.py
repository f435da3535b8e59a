"""The rolled loop of a larger layer backwards through time.

It goes back by blocks of time steps, keeps the gradients of the pre-activations of a block, and then multiplies them
with the outputs and inputs of the block, tile by tile in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.backward_kernel import BackwardKernel
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.learners import Learner
from memspan.engine.fused.llvm_types import VECTOR, WHOLE
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.products import products

BLOCK_VECTORS = 4096
"""of gradients that a block of time steps may keep: 256 KiB, a part of the second cache; measured by
``python -m benchmarks thresholds``"""
LONGEST_BLOCK = 64
"""time steps; measured by ``python -m benchmarks thresholds``"""


def block_steps(layout: LayerLayout) -> int:
    """Time steps of a block."""
    return max(1, min(LONGEST_BLOCK, BLOCK_VECTORS // layout.gradient_vectors))


def scratch_vectors(layout: LayerLayout) -> int:
    """Vectors of scratch memory that the loop needs: gradients of a block, what goes back through time, and ones."""
    return block_steps(layout) * layout.gradient_vectors + layout.states * layout.size + 1


class BackwardRolled(BackwardKernel):
    """Units by a loop, time by blocks."""

    def __init__(self, code: Code, layout: LayerLayout, every_step: bool, down: bool) -> None:
        super().__init__(code, layout, every_step, down)
        self._carried = block_steps(layout) * layout.gradient_vectors
        self._ones = self._carried + layout.states * layout.size

    def write(self) -> None:
        code, longest = self.code, block_steps(self.layout)
        code.store(code.number(1), self.scratch, self._ones)
        self._send_first()
        blocks = code.build.sdiv(code.plus(self.length, longest - 1), WHOLE(longest))
        with code.loop(blocks) as done:
            end = code.build.sub(self.length, code.times(done, longest))
            start = code.larger(code.plus(end, -longest), 0)
            steps = code.build.sub(end, start)
            with code.loop(steps) as count:
                self._step(code.build.sub(code.plus(steps, -1), count), start)
            self._learn(start, steps)
            if self.down:
                self._send_down(start, steps)

    def carried(self, index: int, unit: Any) -> Any:
        return self.code.load(self.scratch, self.code.plus(self._carried + index * self.layout.size, unit))

    def _send_first(self) -> None:
        """What is sent back into the last step."""
        code, layout = self.code, self.layout
        with code.loop(layout.states * layout.size) as index:
            code.store(code.number(0), self.scratch, code.plus(self._carried, index))
        if not self.every_step:
            with code.loop(layout.size) as unit:
                code.store(code.load(self.above, unit), self.scratch, code.plus(self._carried, unit))

    def _step(self, place: Any, start: Any) -> None:
        """One time step, at ``place`` of its block."""
        code, layout, step = self.code, self.layout, self.layout.step
        now = code.plus(start, place)
        own = code.times(place, layout.gradient_vectors)
        totals = [code.variable(VECTOR, code.number(0)) for _ in range(layout.size)]
        with code.loop(layout.size) as unit:
            found = self.step_back(now, unit)
            for index, node in enumerate(step.gradients):
                code.store(found[node], self.scratch, code.plus(own, index * layout.size, unit))
            for index, node in enumerate(step.state_gradients):
                code.store(found[node], self.scratch, code.plus(self._carried + index * layout.size, unit))
            self._send_back(unit, found, totals)
        for other, total in enumerate(totals if layout.recurrent_weights is not None else ()):
            code.add_to(self.scratch, self._carried + other, code.get(total))

    def _send_back(self, unit: Any, found: Pointwise, totals: Sequence[Any]) -> None:
        """Add what a unit's gates send to every unit's old output, U^T dz."""
        code, layout = self.code, self.layout
        if layout.recurrent_weights is None:
            return
        for row, total in enumerate(totals):
            value = code.get(total)
            code.set(total, self.through(layout.recurrent_weights, row, layout.recurrent_gradients, unit, found, value))

    def _learn(self, start: Any, steps: Any) -> None:
        """The gradients of all weights from a block."""
        code, layout = self.code, self.layout
        sources = {
            "inputs": (code.vector_at(self.x, code.times(start, self.x_stride)), self.x_stride),
            "outputs": (self.taped_at(start), WHOLE(layout.step_vectors)),
            "one": (code.vector_at(self.scratch, self._ones), WHOLE(0)),
        }
        for learner in self.learners:
            for first, count, column in self._runs(learner):
                code.call(
                    products().outer.name, steps, WHOLE(learner.rows), WHOLE(count), *sources[learner.source],
                    code.vector_at(self.scratch, column), WHOLE(layout.gradient_vectors),
                    code.vector_at(self.gradients, learner.place + first), WHOLE(layout.width),
                )  # fmt: skip

    def _send_down(self, start: Any, steps: Any) -> None:
        """W^T dz of a block."""
        code, layout = self.code, self.layout
        below = code.vector_at(self.below, code.times(start, layout.inputs))
        with code.loop(code.times(steps, layout.inputs)) as index:
            code.store(code.number(0), below, index)
        weights = self.learners[0]
        for first, count, column in self._runs(weights):
            code.call(
                products().transposed.name, steps, WHOLE(layout.inputs), WHOLE(count),
                code.at(self.row, weights.place + first), WHOLE(layout.width),
                code.vector_at(self.scratch, column), WHOLE(layout.gradient_vectors), below,
            )  # fmt: skip

    def _runs(self, learner: Learner) -> list[tuple[int, int, int]]:
        """Columns of a learner whose gradients lie side by side: (first column, columns, where its gradients begin)."""
        layout = self.layout
        found: list[tuple[int, int, int]] = []
        for block, node in enumerate(learner.nodes):
            begin = layout.step.gradients.index(node) * layout.size
            if found and found[-1][2] + found[-1][1] == begin:
                first, count, place = found[-1]
                found[-1] = (first, count + layout.size, place)
            else:
                found.append((block * layout.size, layout.size, begin))
        return found
