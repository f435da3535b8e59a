"""The rolled loop of a larger layer forwards through time: units by a loop, states in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.forward_kernel import ForwardKernel, Stream


class ForwardRolled(ForwardKernel):
    """Units by a loop, one member after another."""

    def write(self) -> None:
        for stream in self.streams:
            self._start(stream)
            with self.code.loop(self.length) as now:
                self._step(stream, now)

    def stored(self) -> Sequence[int]:
        step = self.layout.step
        return [*step.states, *(step.tape if self.taped else ())]

    def _start(self, stream: Stream) -> None:
        code, size = self.code, self.layout.size
        for index, start in enumerate(self.layout.starts):
            with code.loop(size) as unit:
                code.store(code.number(start), stream.out, code.plus(index * size, unit))

    def _step(self, stream: Stream, now: Any) -> None:
        code, layout, size = self.code, self.layout, self.layout.size
        before, after = self._around(stream, now)
        h = [code.load(before, unit) for unit in range(size)] if layout.recurrent_weights is not None else []
        x = self.inputs(stream, now)
        address = code.vector_at(stream.x, code.times(now, self.x_stride))
        with code.loop(size) as unit:
            gates = self.gates(stream, unit, x, h, address)
            own = [code.load(before, code.plus(index * size, unit)) for index in range(layout.states)]
            self.advance(stream, unit, gates, own, after)
        if not self.taped:
            self._hand_out(stream, now)

    def _around(self, stream: Stream, now: Any) -> tuple[Any, Any]:
        """Where the states before a step and after it lie; without a tape both at one place."""
        if not self.taped:
            return stream.out, stream.out
        return self.taped_at(stream, now), self.taped_at(stream, self.code.plus(now, 1))

    def _hand_out(self, stream: Stream, now: Any) -> None:
        """Copy a step's outputs behind the states."""
        code, layout = self.code, self.layout
        start = code.plus(layout.states * layout.size, code.times(now, self.out_stride))
        with code.loop(layout.size) as unit:
            code.store(code.load(stream.out, unit), stream.out, code.plus(start, unit))
