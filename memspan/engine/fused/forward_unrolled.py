"""The unrolled loop of a small layer forwards through time: all units written out, states and weights in registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.forward_kernel import ForwardKernel, Stream
from memspan.engine.fused.llvm_types import VECTOR

Variables = list[list[Any]]
"""One for each state and unit"""


class ForwardUnrolled(ForwardKernel):
    """All units written out; the time steps of members side by side fill the waits of each other."""

    def write(self) -> None:
        code = self.code
        for stream in self.streams:
            stream.weights.keep_all()
        carried = [self._started(stream) for stream in self.streams]
        with code.loop(self.length) as now:
            states = [[[code.get(each) for each in units] for units in variables] for variables in carried]
            new = [self._step(stream, now, own) for stream, own in zip(self.streams, states, strict=True)]
            for variables, values in zip(carried, new, strict=True):
                self._carry(variables, values)

    def stored(self) -> Sequence[int]:
        """Without a tape the outputs only."""
        step = self.layout.step
        return [*step.states, *step.tape] if self.taped else step.states[:1]

    def _started(self, stream: Stream) -> Variables:
        """A variable for each state of each unit; the first step of a tape gets the starts."""
        code, size = self.code, self.layout.size
        variables = []
        for index, start in enumerate(self.layout.starts):
            variables.append([code.variable(VECTOR, code.number(start)) for _ in range(size)])
            for unit in range(size if self.taped else 0):
                code.store(code.number(start), stream.out, index * size + unit)
        return variables

    def _step(self, stream: Stream, now: Any, states: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """The new states [unit][state]."""
        x, out = self.inputs(stream, now), self._after(stream, now)
        new = []
        for unit in range(self.layout.size):
            gates = self.gates(stream, unit, x, states[0])
            new.append(self.advance(stream, unit, gates, [each[unit] for each in states], out))
        return new

    def _after(self, stream: Stream, now: Any) -> Any:
        """Where the states after a step go; without a tape, its outputs."""
        code, layout = self.code, self.layout
        if self.taped:
            return self.taped_at(stream, code.plus(now, 1))
        start = layout.states * layout.size
        return code.vector_at(stream.out, code.plus(start, code.times(now, self.out_stride)))

    def _carry(self, variables: Variables, values: Sequence[Sequence[Any]]) -> None:
        for unit, new in enumerate(values):
            for index, value in enumerate(new):
                self.code.set(variables[index][unit], value)
