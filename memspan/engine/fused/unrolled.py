"""The loop of a small layer backwards through time, written out.

What is sent back through time and the sums of the weights' gradients stay in registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import VECTOR, WHOLE
from memspan.engine.fused.backward_loop import BackwardLoop
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.pointwise import Pointwise

Sums = dict[tuple[int, str, int, int], Any]
"""Variables by unit, source, index and node"""


@dataclass(frozen=True)
class Learner:
    """Some weights that learn from one gradient: its node, their place in a row, and what multiplies the gradient."""

    root: int
    place: int
    source: str
    index: int = 0


def learners(layout: LayerLayout, unit: int) -> Iterator[Learner]:
    """All weights that belong to a unit's gates, and its parameters."""
    step, size = layout.step, layout.size
    for gate in range(layout.gates):
        column = gate * size + unit
        below, back = step.gate_gradients[gate], step.gate_gradients[_back(layout, gate)]
        for channel in range(layout.inputs):
            yield Learner(below, layout.input_weights + channel * layout.width + column, "x", channel)
        yield Learner(below, layout.bias + column, "one")
        if layout.recurrent_weights is not None:
            for other in range(size):
                yield Learner(back, layout.recurrent_weights + other * layout.width + column, "h", other)
        if layout.recurrent_bias is not None:
            yield Learner(back, layout.recurrent_bias + column, "one")
    for place, root in zip(layout.parameters, step.parameter_gradients, strict=True):
        yield Learner(root, place + unit, "one")


def _back(layout: LayerLayout, gate: int) -> int:
    return layout.state_gate(gate) if layout.recurrent_weights is not None else gate


class Unrolled(BackwardLoop):
    """All units written out."""

    def write(self) -> None:
        code, layout, size = self.code, self.layout, self.layout.size
        self.weights.keep_all()
        sent = [[code.variable(VECTOR, self._first(index, unit)) for unit in range(size)]
                for index in range(layout.states)]  # fmt: skip
        sums: Sums = {}
        with code.loop(self.length) as count:
            now = code.build.sub(code.build.sub(self.length, WHOLE(1)), count)
            self._step(now, sent, sums)
        self._hand_out(sums)

    def _first(self, index: int, unit: int) -> Any:
        """What is sent back into the last step."""
        if index == 0 and not self.every_step:
            return self.code.load(self.above, unit)
        return self.code.number(0)

    def _step(self, now: Any, sent: Sequence[Sequence[Any]], sums: Sums) -> None:
        code, layout, step = self.code, self.layout, self.layout.step
        units = range(layout.size)
        found = [self.worked_out(now, unit, self._sent(now, unit, sent)) for unit in units]
        back = [[each[root] for root in step.state_gradients] for each in found]
        self._learn(now, found, sums)
        if self.down:
            self._send_down(now, found)
        for unit in units:
            total = self._through_matrix(unit, found, back[unit][0])
            for index, value in enumerate([total, *back[unit][1:]]):
                code.set(sent[index][unit], value)

    def _sent(self, now: Any, unit: int, sent: Sequence[Sequence[Any]]) -> list[Any]:
        """The gradients of a unit's new states."""
        code = self.code
        values = [code.get(each[unit]) for each in sent]
        if self.every_step:
            place = code.plus(code.times(now, self.layout.size), unit)
            values[0] = code.add(values[0], code.load(self.above, place))
        return values

    def _through_matrix(self, unit: int, found: Sequence[Pointwise], total: Any) -> Any:
        """total + U^T dz for one unit of the state."""
        layout = self.layout
        if layout.recurrent_weights is None:
            return total
        for other, each in enumerate(found):
            for gate in range(layout.gates):
                weight = self.weights(layout.recurrent_weights + unit * layout.width, gate * layout.size + other)
                total = self.code.fma(weight, each[layout.step.gate_gradients[layout.state_gate(gate)]], total)
        return total

    def _send_down(self, now: Any, found: Sequence[Pointwise]) -> None:
        """W^T dz."""
        code, layout = self.code, self.layout
        for channel in range(layout.inputs):
            total = code.number(0)
            for other, each in enumerate(found):
                for gate in range(layout.gates):
                    weight = self.weights(layout.input_weights + channel * layout.width, gate * layout.size + other)
                    total = code.fma(weight, each[layout.step.gate_gradients[gate]], total)
            code.store(total, self.below, code.plus(code.times(now, layout.inputs), channel))

    def _learn(self, now: Any, found: Sequence[Pointwise], sums: Sums) -> None:
        """Add to the sums of the weights' gradients, each once."""
        code, layout = self.code, self.layout
        before, start = code.times(now, layout.step_vectors), code.times(now, self.x_stride)
        done = set()
        for unit, each in enumerate(found):
            for learner in learners(layout, unit):
                key = (unit, learner.source, learner.index, learner.root)
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
        for unit in range(self.layout.size):
            for learner in learners(self.layout, unit):
                total = self.code.get(sums[unit, learner.source, learner.index, learner.root])
                self.code.add_to(self.gradients, learner.place, total)
