"""The loop of a small layer backwards through time, written out.

What is sent back through time and the sums of the weights' gradients stay in registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import VECTOR, WHOLE
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.section import Section
from memspan.engine.fused.way_back import WayBack

Sums = dict[tuple[int, str, int, int], Any]
"""Variables by unit, source, index and node"""


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


class Unrolled(WayBack):
    """All units written out."""

    def write(self) -> None:
        code, section, size = self.code, self.section, self.section.size
        self.weights.keep_all()
        sent = [[code.variable(VECTOR, self._first(index, unit_)) for unit_ in range(size)]
                for index in range(section.states)]  # fmt: skip
        sums: Sums = {}
        with code.loop(self.length) as count:
            now = code.build.sub(code.build.sub(self.length, WHOLE(1)), count)
            self._step(now, sent, sums)
        self._hand_out(sums)

    def _first(self, index: int, unit_: int) -> Any:
        """What is sent back into the last step."""
        if index == 0 and not self.every_step:
            return self.code.load(self.above, unit_)
        return self.code.number(0)

    def _step(self, now: Any, sent: Sequence[Sequence[Any]], sums: Sums) -> None:
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

    def _learn(self, now: Any, found: Sequence[Pointwise], sums: Sums) -> None:
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

    def _hand_out(self, sums: Sums) -> None:
        for unit_ in range(self.section.size):
            for learner in learners(self.section, unit_):
                total = self.code.get(sums[unit_, learner.source, learner.index, learner.root])
                self.code.add_to(self.gradients, learner.place, total)
