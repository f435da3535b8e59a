"""The loop of a layer backwards through time, and the gradients of its weights.

A small layer is written out: what is sent back through time and the sums of the weights' gradients stay in registers.
A larger one goes back by blocks of time steps, keeps the gradients of the pre-activations of a block, and then
multiplies them with the outputs and inputs of the block, tile by tile in registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import POINTER, VECTOR, WHOLE, Code
from memspan.engine.fused.forward import Weights, offset_by
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.products import Products
from memspan.engine.fused.section import Section
from memspan.engine.fused.unit import UNNAMED, Unit, unit

BLOCK_VECTORS = 4096
"""of gradients that a block of time steps keeps: 32 KiB"""
LONGEST_BLOCK = 64


def block_steps(section: Section) -> int:
    """Time steps of a block."""
    return max(1, min(LONGEST_BLOCK, BLOCK_VECTORS // section.columns))


def work_vectors(section: Section) -> int:
    """Vectors of room that the loop needs: gradients of a block, what goes back through time, and ones."""
    return block_steps(section) * section.columns + section.states * section.size + 1


def backward(section: Section, every_step: bool, down: bool, products: Products) -> Unit:
    """``f(length, x_stride, x, row, tape, above, below, gradients, work)``: addresses; the stride in vectors.

    Args:
        every_step: whether ``above`` holds gradients of all outputs (T, H), or of the last ones only (H,).
        down: whether ``below`` gets the gradients of the inputs (T, I).
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, *[POINTER] * 7])
    kind = _Unrolled if section.is_unrolled else _Looped
    kind(code, section, every_step, down, products).write()
    return unit("backward", code)


@dataclass(frozen=True)
class Learner:
    """Some weights that learn from one gradient: its node, their place in a row, and what multiplies the gradient."""

    root: int
    place: int
    source: str
    index: int = 0


def learners(section: Section, unit_: int) -> Iterator[Learner]:
    """All weights that belong to a unit's gates, and its parameters."""
    step, size = section.step, section.size
    for gate in range(section.gates):
        column = gate * size + unit_
        below, back = step.gate_gradients[section.input_gate(gate)], step.gate_gradients[_back(section, gate)]
        for channel in range(section.inputs):
            yield Learner(below, section.kernel + channel * section.width + column, "x", channel)
        yield Learner(below, section.bias + column, "one")
        if section.recurrent is not None:
            for other in range(size):
                yield Learner(back, section.recurrent + other * section.width + column, "h", other)
        if section.second is not None:
            yield Learner(back, section.second + column, "one")
    for place, root in zip(section.parameters, step.parameter_gradients, strict=True):
        yield Learner(root, place + unit_, "one")


def _back(section: Section, gate: int) -> int:
    return section.state_gate(gate) if section.recurrent is not None else gate


class _Backward:
    def __init__(self, code: Code, section: Section, every_step: bool, down: bool, products: Products) -> None:
        self.code, self.section, self.every_step, self.down, self.products = code, section, every_step, down, products
        self.length, self.x_stride = code.arguments[:2]
        self.x, self.row, self.tape, self.above, self.below, self.gradients, self.work = code.arguments[2:]
        self.weights = Weights(code, section, self.row)

    def given(self, now: Any, unit_: Any, sent: Sequence[Any]) -> dict[int, Any]:
        """The nodes that are known at a step of a unit: old and new states, the tape, parameters, what is sent back."""
        code, section, step = self.code, self.section, self.section.step
        before = code.vector_at(self.tape, code.times(now, section.slot))
        after = code.vector_at(self.tape, code.times(code.plus(now, 1), section.slot))
        known: dict[int, Any] = {}
        first = len(step.gate_gradients)
        for index, root in enumerate([*step.states, *step.tape]):
            if step.graph.nodes[root].operation != "given" or root in step.tape:
                known[root] = code.load(after, offset_by(code, index * section.size, unit_))
        for index in range(section.states):
            known[first + index] = code.load(before, offset_by(code, index * section.size, unit_))
        for index, place in enumerate(section.parameters):
            known[first + section.states + index] = self.weights(place, unit_)
        last = first + section.states + len(section.parameters)
        return known | {last + index: value for index, value in enumerate(sent)}

    def worked_out(self, now: Any, unit_: Any, sent: Sequence[Any]) -> Pointwise:
        """The gradients of a step of a unit."""
        step = self.section.step
        roots = [*step.gradients, *step.state_gradients]
        return Pointwise(self.code, step.graph, self.given(now, unit_, sent), roots)


class _Unrolled(_Backward):
    """All units written out."""

    def write(self) -> None:
        code, section, size = self.code, self.section, self.section.size
        self.weights.keep_all()
        sent = [[code.variable(VECTOR, self._first(index, unit_)) for unit_ in range(size)]
                for index in range(section.states)]  # fmt: skip
        sums: dict[tuple[int, str, int, int], Any] = {}
        with code.loop(self.length) as count:
            now = code.build.sub(code.build.sub(self.length, WHOLE(1)), count)
            self._step(now, sent, sums)
        self._hand_out(sums)

    def _first(self, index: int, unit_: int) -> Any:
        """What is sent back into the last step."""
        if index == 0 and not self.every_step:
            return self.code.load(self.above, unit_)
        return self.code.number(0)

    def _step(self, now: Any, sent: Sequence[Sequence[Any]], sums: dict[tuple[int, str, int, int], Any]) -> None:
        code, section, step = self.code, self.section, self.section.step
        units = range(section.size)
        found = [self.worked_out(now, unit_, self._sent(now, unit_, sent)) for unit_ in units]
        back = [[each[root] for root in step.state_gradients] for each in found]
        self._learn(now, found, sums)
        if self.down:
            self._send_down(now, found)
        for unit_ in units:
            total = self._through_matrix(unit_, found, back[unit_][0])
            for index, value in enumerate([total, *back[unit_][1:]]):
                code.set(sent[index][unit_], value)

    def _sent(self, now: Any, unit_: int, sent: Sequence[Sequence[Any]]) -> list[Any]:
        """The gradients of a unit's new states."""
        code = self.code
        values = [code.get(each[unit_]) for each in sent]
        if self.every_step:
            place = code.plus(code.times(now, self.section.size), unit_)
            values[0] = code.add(values[0], code.load(self.above, place))
        return values

    def _through_matrix(self, unit_: int, found: Sequence[Pointwise], total: Any) -> Any:
        """total + U^T dz for one unit of the state."""
        section = self.section
        if section.recurrent is None:
            return total
        for other, each in enumerate(found):
            for gate in range(section.gates):
                weight = self.weights(section.recurrent + unit_ * section.width, gate * section.size + other)
                total = self.code.fma(weight, each[section.step.gate_gradients[section.state_gate(gate)]], total)
        return total

    def _send_down(self, now: Any, found: Sequence[Pointwise]) -> None:
        """W^T dz."""
        code, section = self.code, self.section
        for channel in range(section.inputs):
            total = code.number(0)
            for other, each in enumerate(found):
                for gate in range(section.gates):
                    weight = self.weights(section.kernel + channel * section.width, gate * section.size + other)
                    total = code.fma(weight, each[section.step.gate_gradients[gate]], total)
            code.store(total, self.below, code.plus(code.times(now, section.inputs), channel))

    def _learn(self, now: Any, found: Sequence[Pointwise], sums: dict[tuple[int, str, int, int], Any]) -> None:
        """Add to the sums of the weights' gradients, each once."""
        code, section = self.code, self.section
        before, start = code.times(now, section.slot), code.times(now, self.x_stride)
        done = set()
        for unit_, each in enumerate(found):
            for learner in learners(section, unit_):
                key = (unit_, learner.source, learner.index, learner.root)
                if key in done:
                    continue
                done.add(key)
                if key not in sums:
                    sums[key] = self._zero()
                so_far = code.get(sums[key])
                if learner.source == "one":
                    code.set(sums[key], code.add(so_far, each[learner.root]))
                else:
                    address, base = (self.x, start) if learner.source == "x" else (self.tape, before)
                    factor = code.load(address, code.plus(base, learner.index))
                    code.set(sums[key], code.fma(factor, each[learner.root], so_far))

    def _zero(self) -> Any:
        """A variable that is 0 before the loop."""
        return self.code.early_variable(VECTOR, self.code.number(0))

    def _hand_out(self, sums: dict[tuple[int, str, int, int], Any]) -> None:
        for unit_ in range(self.section.size):
            for learner in learners(self.section, unit_):
                total = self.code.get(sums[unit_, learner.source, learner.index, learner.root])
                self.code.add_to(self.gradients, learner.place, total)


class _Looped(_Backward):
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
