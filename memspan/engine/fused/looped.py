"""The loop of a larger layer backwards through time.

It goes back by blocks of time steps, keeps the gradients of the pre-activations of a block, and then multiplies them
with the outputs and inputs of the block, tile by tile in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import VECTOR, WHOLE
from memspan.engine.fused.backward_loop import BackwardLoop
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.pointwise import Pointwise

BLOCK_VECTORS = 4096
"""of gradients that a block of time steps may keep: 256 KiB"""
LONGEST_BLOCK = 64
"""time steps"""


def block_steps(layout: LayerLayout) -> int:
    """Time steps of a block."""
    return max(1, min(LONGEST_BLOCK, BLOCK_VECTORS // layout.gradient_vectors))


def scratch_vectors(layout: LayerLayout) -> int:
    """Vectors of scratch memory that the loop needs: gradients of a block, what goes back through time, and ones."""
    return block_steps(layout) * layout.gradient_vectors + layout.states * layout.size + 1


class Looped(BackwardLoop):
    """Units by a loop, time by blocks."""

    def write(self) -> None:
        code, layout = self.code, self.layout
        self._sent_place = block_steps(layout) * layout.gradient_vectors
        self._ones = self._sent_place + layout.states * layout.size
        code.store(code.number(1), self.scratch, self._ones)
        self._send_first()
        blocks = code.build.sdiv(code.plus(self.length, block_steps(layout) - 1), WHOLE(block_steps(layout)))
        with code.loop(blocks) as done:
            end = code.build.sub(self.length, code.times(done, block_steps(layout)))
            start = code.larger(code.plus(end, -block_steps(layout)), 0)
            steps = code.build.sub(end, start)
            with code.loop(steps) as count:
                self._step(code.build.sub(code.plus(steps, -1), count), start)
            self._learn(start, steps)

    def _send_first(self) -> None:
        """What is sent back into the last step."""
        code, layout = self.code, self.layout
        with code.loop(layout.states * layout.size) as index:
            code.store(code.number(0), self.scratch, code.plus(self._sent_place, index))
        if not self.every_step:
            with code.loop(layout.size) as unit:
                code.store(code.load(self.above, unit), self.scratch, code.plus(self._sent_place, unit))

    def _step(self, place: Any, start: Any) -> None:
        """One time step, at ``place`` of its block."""
        code, layout, step = self.code, self.layout, self.layout.step
        now = code.plus(start, place)
        own = code.times(place, layout.gradient_vectors)
        totals = [code.variable(VECTOR, code.number(0)) for _ in range(layout.size)]
        with code.loop(layout.size) as unit:
            found = self.worked_out(now, unit, self._sent(now, unit))
            for index, root in enumerate(step.gradients):
                code.store(found[root], self.scratch, code.plus(own, index * layout.size, unit))
            for index, root in enumerate(step.state_gradients):
                code.store(found[root], self.scratch, code.plus(self._sent_place + index * layout.size, unit))
            if layout.recurrent_weights is not None:
                self._through_matrix(unit, found, totals)
        for other, total in enumerate(totals if layout.recurrent_weights is not None else ()):
            code.add_to(self.scratch, self._sent_place + other, code.get(total))

    def _sent(self, now: Any, unit: Any) -> list[Any]:
        code, layout = self.code, self.layout
        values = [code.load(self.scratch, code.plus(self._sent_place + index * layout.size, unit))
                  for index in range(layout.states)]  # fmt: skip
        if self.every_step:
            values[0] = code.add(values[0], code.load(self.above, code.plus(code.times(now, layout.size), unit)))
        return values

    def _through_matrix(self, unit: Any, found: Pointwise, totals: Sequence[Any]) -> None:
        """Add what a unit's gates send to every unit's old output, U^T dz."""
        code, layout = self.code, self.layout
        assert layout.recurrent_weights is not None
        for other, total in enumerate(totals):
            value = code.get(total)
            for gate in range(layout.gates):
                offset = code.plus(other * layout.width + gate * layout.size, unit)
                gradient = found[layout.step.gate_gradients[layout.state_gate(gate)]]
                value = code.fma(self.weights(layout.recurrent_weights, offset), gradient, value)
            code.set(total, value)

    def _learn(self, start: Any, steps: Any) -> None:
        """The gradients of all weights from a block, and what goes down to the layer below."""
        code, layout = self.code, self.layout
        x = code.vector_at(self.x, code.times(start, self.x_stride))
        h = code.vector_at(self.tape, code.times(start, layout.step_vectors))
        ones = code.vector_at(self.scratch, self._ones)
        for gate, count, column in self._runs(0):
            place = gate * layout.size
            self._multiply(steps, layout.inputs, count, x, self.x_stride, column, layout.input_weights + place)
            self._multiply(steps, 1, count, ones, 0, column, layout.bias + place)
        for gate, count, column in self._runs(0 if layout.joined else layout.gates):
            place = gate * layout.size
            if layout.recurrent_weights is not None:
                self._multiply(
                    steps, layout.size, count, h, layout.step_vectors, column, layout.recurrent_weights + place
                )
            if layout.recurrent_bias is not None:
                self._multiply(steps, 1, count, ones, 0, column, layout.recurrent_bias + place)
        for place, root in zip(layout.parameters, layout.step.parameter_gradients, strict=True):
            self._multiply(steps, 1, layout.size, ones, 0, self._column(root), place)
        if self.down:
            self._send_down(start, steps)

    def _multiply(
        self, steps: Any, rows: int, columns: int, factors: Any, stride: Any, column: int, place: int
    ) -> None:
        code, layout = self.code, self.layout
        gradients = code.vector_at(self.gradients, place)
        sources = code.vector_at(self.scratch, column)
        stride = WHOLE(stride) if isinstance(stride, int) else stride
        code.call(
            self.products.outer.name, steps, WHOLE(rows), WHOLE(columns), factors, stride,
            sources, WHOLE(layout.gradient_vectors), gradients, WHOLE(layout.width),
        )  # fmt: skip

    def _send_down(self, start: Any, steps: Any) -> None:
        """W^T dz of a block."""
        code, layout = self.code, self.layout
        below = code.vector_at(self.below, code.times(start, layout.inputs))
        with code.loop(code.times(steps, layout.inputs)) as index:
            code.store(code.number(0), below, index)
        for gate, count, column in self._runs(0):
            code.call(
                self.products.transposed.name, steps, WHOLE(layout.inputs), WHOLE(count),
                code.at(self.row, layout.input_weights + gate * layout.size), WHOLE(layout.width),
                code.vector_at(self.scratch, column), WHOLE(layout.gradient_vectors), below,
            )  # fmt: skip

    def _column(self, root: int) -> int:
        """Where a node's gradients begin in a time step of the block."""
        return self.layout.step.gradients.index(root) * self.layout.size

    def _runs(self, first: int) -> list[tuple[int, int, int]]:
        """Gates whose gradients lie side by side: (first gate, columns, where they begin)."""
        layout = self.layout
        found: list[tuple[int, int, int]] = []
        for gate in range(layout.gates):
            column = self._column(layout.step.gate_gradients[first + gate])
            if found and found[-1][2] + found[-1][1] == column:
                begin, count, place = found[-1]
                found[-1] = (begin, count + layout.size, place)
            else:
                found.append((gate, layout.size, column))
        return found
