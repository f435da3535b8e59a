"""The loop of a layer forwards through time.

Written for one member or some side by side, whose time steps fill the waits of each other. A small layer is written
out with its states in registers; a larger one loops over its units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import POINTER, VECTOR, WHOLE, Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import UNROLLED_INPUTS, LayerLayout
from memspan.engine.fused.pointwise import Pointwise


def forward(layout: LayerLayout, streams: int, taped: bool) -> Kernel:
    """``f(length, x_stride, out_stride, x..., row..., out...)``, addresses for each stream, strides in vectors.

    Taped, ``out`` gets a slot for each step: the states and what the backward loop wants; slot 0 holds the starts and
    ``out_stride`` is ignored. Otherwise it gets the outputs (H vectors) of each step, all at one place if the stride
    is 0, behind the states of a larger layer.
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, WHOLE, *[POINTER] * (3 * streams)])
    _Forward(code, layout, streams, taped).write()
    return kernel(f"forward{streams}" if taped else f"answer{streams}", code)


class BroadcastWeights:
    """Weights of a row in all lanes; those at a known place are loaded once if the layer is unrolled."""

    def __init__(self, code: Code, layout: LayerLayout, row: Any) -> None:
        self._code, self._layout, self._row = code, layout, row
        self._kept: dict[int, Any] = {}

    def __call__(self, place: int, offset: Any = 0) -> Any:
        """The weight some numbers after a place."""
        if isinstance(offset, int) and place + offset in self._kept:
            return self._kept[place + offset]
        return self._code.broadcast(self._row, self._code.plus(place, offset))

    def keep(self, place: int, count: int) -> None:
        """Load some weights ahead of a loop."""
        for index in range(place, place + count):
            self._kept[index] = self._code.broadcast(self._row, index)

    def keep_all(self) -> None:
        """Load all weights of a small layer."""
        layout = self._layout
        self.keep(layout.input_weights, layout.inputs * layout.width)
        self.keep(layout.bias, layout.width)
        if layout.recurrent_weights is not None:
            self.keep(layout.recurrent_weights, layout.size * layout.width)
        if layout.recurrent_bias is not None:
            self.keep(layout.recurrent_bias, layout.width)
        for parameter in layout.parameters:
            self.keep(parameter, layout.size)


class _Forward:
    def __init__(self, code: Code, layout: LayerLayout, streams: int, taped: bool) -> None:
        self._code, self._layout, self._taped = code, layout, taped
        self._streams = range(streams)
        self._length, self._x_stride, self._out_stride = code.arguments[:3]
        addresses = code.arguments[3:]
        self._x, rows = addresses[:streams], addresses[streams : 2 * streams]
        self._out = addresses[2 * streams :]
        self._weights = [BroadcastWeights(code, layout, row) for row in rows]

    def write(self) -> None:
        if self._layout.is_unrolled:
            self._write_unrolled()
        else:
            for stream in self._streams:
                self._write_looped(stream)

    # a small layer

    def _write_unrolled(self) -> None:
        code = self._code
        for weights in self._weights:
            weights.keep_all()
        carried = [self._started(stream) for stream in self._streams]
        with code.loop(self._length) as now:
            states = [[[code.get(v) for v in each] for each in carried[stream]] for stream in self._streams]
            steps = [self._unrolled_step(stream, now, states[stream]) for stream in self._streams]
            for stream, new in zip(self._streams, steps, strict=True):
                for variables, values in zip(carried[stream], new, strict=True):
                    for variable, value in zip(variables, values, strict=True):
                        code.set(variable, value)

    def _started(self, stream: int) -> list[list[Any]]:
        """A variable for each state of each unit; slot 0 of a tape gets the starts."""
        code, size = self._code, self._layout.size
        variables = []
        for index, start in enumerate(self._layout.starts):
            variables.append([code.variable(VECTOR, code.number(start)) for _ in range(size)])
            for unit in range(size if self._taped else 0):
                code.store(code.number(start), self._out[stream], index * size + unit)
        return variables

    def _unrolled_step(self, stream: int, now: Any, states: list[list[Any]]) -> list[list[Any]]:
        """The new states [state][unit]."""
        layout = self._layout
        x = self._inputs(stream, now)
        out = self._slot_after(stream, now)
        new: list[list[Any]] = [[] for _ in layout.starts]
        for unit in range(layout.size):
            gates = self._gates(stream, unit, x, states[0], None)
            own = [each[unit] for each in states]
            for index, value in enumerate(self._advanced(stream, unit, gates, own, out)):
                new[index].append(value)
        return new

    # a larger layer

    def _write_looped(self, stream: int) -> None:
        code, layout, size = self._code, self._layout, self._layout.size
        for index, start in enumerate(layout.starts):
            with code.loop(size) as unit:
                code.store(code.number(start), self._out[stream], code.plus(index * size, unit))
        with code.loop(self._length) as now:
            before, after = self._slot(stream, now), self._slot_after(stream, now)
            h = [code.load(before, unit) for unit in range(size)] if layout.recurrent_weights is not None else []
            x = self._inputs(stream, now)
            address = code.vector_at(self._x[stream], code.times(now, self._x_stride))
            with code.loop(size) as unit:
                gates = self._gates(stream, unit, x, h, address)
                own = [code.load(before, code.plus(index * size, unit)) for index in range(layout.states)]
                self._advanced(stream, unit, gates, own, after)
            self._hand_out(stream, now)

    def _hand_out(self, stream: int, now: Any) -> None:
        """Without a tape the states stay in one slot, and each step's outputs are copied behind it."""
        code, layout = self._code, self._layout
        if self._taped:
            return
        start = code.plus(layout.states * layout.size, code.times(now, self._out_stride))
        with code.loop(layout.size) as unit:
            code.store(code.load(self._out[stream], unit), self._out[stream], code.plus(start, unit))

    # both

    def _inputs(self, stream: int, now: Any) -> list[Any]:
        """The inputs of a step; none for a layer with many."""
        code, layout = self._code, self._layout
        if layout.inputs > UNROLLED_INPUTS:
            return []
        base = code.times(now, self._x_stride)
        return [code.load(self._x[stream], code.plus(base, channel)) for channel in range(layout.inputs)]

    def _slot(self, stream: int, now: Any) -> Any:
        """Where the states before a step lie."""
        if not self._taped:
            return self._out[stream]
        return self._code.vector_at(self._out[stream], self._code.times(now, self._layout.step_vectors))

    def _slot_after(self, stream: int, now: Any) -> Any:
        """Where the states after a step go; without a tape, an unrolled layer's outputs."""
        code = self._code
        if self._taped:
            return self._slot(stream, code.plus(now, 1))
        if self._layout.is_unrolled:
            start = self._layout.states * self._layout.size
            return code.vector_at(self._out[stream], code.plus(start, code.times(now, self._out_stride)))
        return self._out[stream]

    def _gates(self, stream: int, unit: Any, x: Sequence[Any], h: Sequence[Any], address: Any) -> list[Any]:
        """Pre-activations of a unit, in the order in which the pointwise part takes them."""
        layout = self._layout
        sums = [self._from_below(stream, gate, unit, x) for gate in range(layout.gates)]
        if not x and layout.inputs:
            sums = self._from_many(stream, unit, sums, address)
        if layout.recurrent_weights is None:
            return sums
        if layout.joined:
            return [self._from_state(stream, gate, unit, h, sums[gate]) for gate in range(layout.gates)]
        separate = [self._from_recurrent_bias(stream, gate, unit) for gate in range(layout.gates)]
        return sums + [self._from_state(stream, gate, unit, h, each) for gate, each in enumerate(separate)]

    def _from_below(self, stream: int, gate: int, unit: Any, x: Sequence[Any]) -> Any:
        """b + W x of one gate of one unit."""
        code, layout, weights = self._code, self._layout, self._weights[stream]
        column = offset_by(code, gate * layout.size, unit)
        total = weights(layout.bias, column)
        if layout.recurrent_bias is not None and layout.joined:
            total = code.add(total, weights(layout.recurrent_bias, column))
        for channel, value in enumerate(x):
            total = code.fma(weights(layout.input_weights + channel * layout.width, column), value, total)
        return total

    def _from_many(self, stream: int, unit: Any, sums: Sequence[Any], address: Any) -> list[Any]:
        """W x of many channels, by a loop over them."""
        code, layout, weights = self._code, self._layout, self._weights[stream]
        totals = [code.variable(VECTOR, each) for each in sums]
        with code.loop(layout.inputs) as channel:
            value = code.load(address, channel)
            for gate, total in enumerate(totals):
                offset = code.plus(code.times(channel, layout.width), gate * layout.size, unit)
                code.set(total, code.fma(weights(layout.input_weights, offset), value, code.get(total)))
        return [code.get(total) for total in totals]

    def _from_recurrent_bias(self, stream: int, gate: int, unit: Any) -> Any:
        """b' of a cell whose two products stay states."""
        if self._layout.recurrent_bias is None:
            return self._code.number(0)
        return self._weights[stream](self._layout.recurrent_bias, offset_by(self._code, gate * self._layout.size, unit))

    def _from_state(self, stream: int, gate: int, unit: Any, h: Sequence[Any], total: Any) -> Any:
        """total + U h of one gate of one unit."""
        layout, weights = self._layout, self._weights[stream]
        assert layout.recurrent_weights is not None
        column = offset_by(self._code, gate * layout.size, unit)
        for below, value in enumerate(h):
            total = self._code.fma(weights(layout.recurrent_weights + below * layout.width, column), value, total)
        return total

    def _advanced(self, stream: int, unit: Any, gates: Sequence[Any], states: Sequence[Any], out: Any) -> list[Any]:
        """The new states of a unit, stored together with what goes onto the tape."""
        code, layout, step = self._code, self._layout, self._layout.step
        parameters = [self._weights[stream](place, unit) for place in layout.parameters]
        given = dict(enumerate([*gates, *states, *parameters]))
        roots = [*step.states, *(step.tape if self._taped else ())]
        worked_out = Pointwise(code, step.graph, given, roots)
        kept = roots if self._taped else roots[:1] if layout.is_unrolled else roots
        for index, root in enumerate(kept):
            code.store(worked_out[root], out, offset_by(code, index * layout.size, unit))
        return [worked_out[root] for root in step.states]


def offset_by(code: Code, place: int, offset: Any) -> Any:
    return place + offset if isinstance(offset, int) else code.plus(place, offset)
