"""The loop of a larger layer backwards through time.

It goes back by blocks of time steps, keeps the gradients of the pre-activations of a block, and then multiplies them
with the outputs and inputs of the block, tile by tile in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import VECTOR, WHOLE
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.section import Section
from memspan.engine.fused.way_back import WayBack

BLOCK_VECTORS = 4096
"""of gradients that a block of time steps may keep: 256 KiB"""
LONGEST_BLOCK = 64
"""time steps"""


def block_steps(section: Section) -> int:
    """Time steps of a block."""
    return max(1, min(LONGEST_BLOCK, BLOCK_VECTORS // section.columns))


def work_vectors(section: Section) -> int:
    """Vectors of room that the loop needs: gradients of a block, what goes back through time, and ones."""
    return block_steps(section) * section.columns + section.states * section.size + 1


class Looped(WayBack):
    """Units by a loop, time by blocks."""

    def write(self) -> None:
        code, section = self.code, self.section
        self._sent_place = block_steps(section) * section.columns
        self._ones = self._sent_place + section.states * section.size
        code.store(code.number(1), self.work, self._ones)
        self._send_first()
        blocks = code.build.sdiv(code.plus(self.length, block_steps(section) - 1), WHOLE(block_steps(section)))
        with code.loop(blocks) as done:
            end = code.build.sub(self.length, code.times(done, block_steps(section)))
            start = code.larger(code.plus(end, -block_steps(section)), 0)
            steps = code.build.sub(end, start)
            with code.loop(steps) as count:
                self._step(code.build.sub(code.plus(steps, -1), count), start)
            self._learn(start, steps)

    def _send_first(self) -> None:
        """What is sent back into the last step."""
        code, section = self.code, self.section
        with code.loop(section.states * section.size) as index:
            code.store(code.number(0), self.work, code.plus(self._sent_place, index))
        if not self.every_step:
            with code.loop(section.size) as unit_:
                code.store(code.load(self.above, unit_), self.work, code.plus(self._sent_place, unit_))

    def _step(self, place: Any, start: Any) -> None:
        """One time step, at ``place`` of its block."""
        code, section, step = self.code, self.section, self.section.step
        now = code.plus(start, place)
        own = code.times(place, section.columns)
        totals = [code.variable(VECTOR, code.number(0)) for _ in range(section.size)]
        with code.loop(section.size) as unit_:
            found = self.worked_out(now, unit_, self._sent(now, unit_))
            for index, root in enumerate(step.gradients):
                code.store(found[root], self.work, code.plus(own, index * section.size, unit_))
            for index, root in enumerate(step.state_gradients):
                code.store(found[root], self.work, code.plus(self._sent_place + index * section.size, unit_))
            if section.recurrent is not None:
                self._through_matrix(unit_, found, totals)
        for other, total in enumerate(totals if section.recurrent is not None else ()):
            code.add_to(self.work, self._sent_place + other, code.get(total))

    def _sent(self, now: Any, unit_: Any) -> list[Any]:
        code, section = self.code, self.section
        values = [code.load(self.work, code.plus(self._sent_place + index * section.size, unit_))
                  for index in range(section.states)]  # fmt: skip
        if self.every_step:
            values[0] = code.add(values[0], code.load(self.above, code.plus(code.times(now, section.size), unit_)))
        return values

    def _through_matrix(self, unit_: Any, found: Pointwise, totals: Sequence[Any]) -> None:
        """Add what a unit's gates send to every unit's old output, U^T dz."""
        code, section = self.code, self.section
        assert section.recurrent is not None
        for other, total in enumerate(totals):
            value = code.get(total)
            for gate in range(section.gates):
                offset = code.plus(other * section.width + gate * section.size, unit_)
                gradient = found[section.step.gate_gradients[section.state_gate(gate)]]
                value = code.fma(self.weights(section.recurrent, offset), gradient, value)
            code.set(total, value)

    def _learn(self, start: Any, steps: Any) -> None:
        """The gradients of all weights from a block, and what goes down to the layer below."""
        code, section = self.code, self.section
        x = code.vector_at(self.x, code.times(start, self.x_stride))
        h = code.vector_at(self.tape, code.times(start, section.slot))
        ones = code.vector_at(self.work, self._ones)
        for gate, count, column in self._runs(0):
            place = gate * section.size
            self._multiply(steps, section.inputs, count, x, self.x_stride, column, section.kernel + place)
            self._multiply(steps, 1, count, ones, 0, column, section.bias + place)
        for gate, count, column in self._runs(0 if section.joined else section.gates):
            place = gate * section.size
            if section.recurrent is not None:
                self._multiply(steps, section.size, count, h, section.slot, column, section.recurrent + place)
            if section.second is not None:
                self._multiply(steps, 1, count, ones, 0, column, section.second + place)
        for place, root in zip(section.parameters, section.step.parameter_gradients, strict=True):
            self._multiply(steps, 1, section.size, ones, 0, self._column(root), place)
        if self.down:
            self._send_down(start, steps)

    def _multiply(
        self, steps: Any, rows: int, columns: int, factors: Any, stride: Any, column: int, place: int
    ) -> None:
        code, section = self.code, self.section
        gradients = code.vector_at(self.gradients, place)
        sources = code.vector_at(self.work, column)
        stride = WHOLE(stride) if isinstance(stride, int) else stride
        code.call(
            self.products.outer.name, steps, WHOLE(rows), WHOLE(columns), factors, stride,
            sources, WHOLE(section.columns), gradients, WHOLE(section.width),
        )  # fmt: skip

    def _send_down(self, start: Any, steps: Any) -> None:
        """W^T dz of a block."""
        code, section = self.code, self.section
        below = code.vector_at(self.below, code.times(start, section.inputs))
        with code.loop(code.times(steps, section.inputs)) as index:
            code.store(code.number(0), below, index)
        for gate, count, column in self._runs(0):
            code.call(
                self.products.transposed.name, steps, WHOLE(section.inputs), WHOLE(count),
                code.at(self.row, section.kernel + gate * section.size), WHOLE(section.width),
                code.vector_at(self.work, column), WHOLE(section.columns), below,
            )  # fmt: skip

    def _column(self, root: int) -> int:
        """Where a node's gradients begin in a time step of the block."""
        return self.section.step.gradients.index(root) * self.section.size

    def _runs(self, first: int) -> list[tuple[int, int, int]]:
        """Gates whose gradients lie side by side: (first gate, columns, where they begin)."""
        section = self.section
        found: list[tuple[int, int, int]] = []
        for gate in range(section.gates):
            column = self._column(section.step.gate_gradients[first + gate])
            if found and found[-1][2] + found[-1][1] == column:
                begin, count, place = found[-1]
                found[-1] = (begin, count + section.size, place)
            else:
                found.append((gate, section.size, column))
        return found
