"""The loop of a layer forwards through time.

Written for one member or some side by side, whose time steps fill the waits of each other. A small layer is written
out with its states in registers; a larger one loops over its units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.engine.fused.assembly import POINTER, VECTOR, WHOLE, Code
from memspan.engine.fused.pointwise import Pointwise
from memspan.engine.fused.section import UNROLLED_INPUTS, Section
from memspan.engine.fused.unit import UNNAMED, Unit, unit


def forward(section: Section, streams: int, taped: bool) -> Unit:
    """``f(length, x_stride, out_stride, x..., row..., out...)``, addresses for each stream, strides in vectors.

    Taped, ``out`` gets a slot for each step: the states and what the backward loop wants; slot 0 holds the starts and
    ``out_stride`` is ignored. Otherwise it gets the outputs (H vectors) of each step, all at one place if the stride
    is 0, after room for the states of a larger layer.
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, WHOLE, *[POINTER] * (3 * streams)])
    _Forward(code, section, streams, taped).write()
    return unit(f"forward{streams}" if taped else f"answer{streams}", code)


class Weights:
    """Weights of a row in all lanes; those at a known place are loaded once if the layer is unrolled."""

    def __init__(self, code: Code, section: Section, row: Any) -> None:
        self._code, self._section, self._row = code, section, row
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
        section = self._section
        self.keep(section.kernel, section.inputs * section.width)
        self.keep(section.bias, section.width)
        if section.recurrent is not None:
            self.keep(section.recurrent, section.size * section.width)
        if section.second is not None:
            self.keep(section.second, section.width)
        for parameter in section.parameters:
            self.keep(parameter, section.size)


class _Forward:
    def __init__(self, code: Code, section: Section, streams: int, taped: bool) -> None:
        self._code, self._section, self._taped = code, section, taped
        self._streams = range(streams)
        self._length, self._x_stride, self._out_stride = code.arguments[:3]
        addresses = code.arguments[3:]
        self._x, rows = addresses[:streams], addresses[streams : 2 * streams]
        self._out = addresses[2 * streams :]
        self._weights = [Weights(code, section, row) for row in rows]

    def write(self) -> None:
        if self._section.is_unrolled:
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
        code, size = self._code, self._section.size
        variables = []
        for index, start in enumerate(self._section.starts):
            variables.append([code.variable(VECTOR, code.number(start)) for _ in range(size)])
            for unit_ in range(size if self._taped else 0):
                code.store(code.number(start), self._out[stream], index * size + unit_)
        return variables

    def _unrolled_step(self, stream: int, now: Any, states: list[list[Any]]) -> list[list[Any]]:
        """The new states [state][unit]."""
        section = self._section
        x = self._inputs(stream, now)
        out = self._slot_after(stream, now)
        new: list[list[Any]] = [[] for _ in section.starts]
        for unit_ in range(section.size):
            gates = self._gates(stream, unit_, x, states[0], None)
            own = [each[unit_] for each in states]
            for index, value in enumerate(self._advanced(stream, unit_, gates, own, out)):
                new[index].append(value)
        return new

    # a larger layer

    def _write_looped(self, stream: int) -> None:
        code, section, size = self._code, self._section, self._section.size
        for index, start in enumerate(section.starts):
            with code.loop(size) as unit_:
                code.store(code.number(start), self._out[stream], code.plus(index * size, unit_))
        with code.loop(self._length) as now:
            before, after = self._slot(stream, now), self._slot_after(stream, now)
            h = [code.load(before, unit_) for unit_ in range(size)] if section.recurrent is not None else []
            x = self._inputs(stream, now)
            address = code.vector_at(self._x[stream], code.times(now, self._x_stride))
            with code.loop(size) as unit_:
                gates = self._gates(stream, unit_, x, h, address)
                own = [code.load(before, code.plus(index * size, unit_)) for index in range(section.states)]
                self._advanced(stream, unit_, gates, own, after)
            self._hand_out(stream, now)

    def _hand_out(self, stream: int, now: Any) -> None:
        """Without a tape the states stay in one slot, and each step's outputs are copied behind it."""
        code, section = self._code, self._section
        if self._taped:
            return
        start = code.plus(section.states * section.size, code.times(now, self._out_stride))
        with code.loop(section.size) as unit_:
            code.store(code.load(self._out[stream], unit_), self._out[stream], code.plus(start, unit_))

    # both

    def _inputs(self, stream: int, now: Any) -> list[Any]:
        """The inputs of a step; none for a layer with many."""
        code, section = self._code, self._section
        if section.inputs > UNROLLED_INPUTS:
            return []
        base = code.times(now, self._x_stride)
        return [code.load(self._x[stream], code.plus(base, channel)) for channel in range(section.inputs)]

    def _slot(self, stream: int, now: Any) -> Any:
        """Where the states before a step lie."""
        if not self._taped:
            return self._out[stream]
        return self._code.vector_at(self._out[stream], self._code.times(now, self._section.slot))

    def _slot_after(self, stream: int, now: Any) -> Any:
        """Where the states after a step go; without a tape, an unrolled layer's outputs."""
        code = self._code
        if self._taped:
            return self._slot(stream, code.plus(now, 1))
        if self._section.is_unrolled:
            start = self._section.states * self._section.size
            return code.vector_at(self._out[stream], code.plus(start, code.times(now, self._out_stride)))
        return self._out[stream]

    def _gates(self, stream: int, unit_: Any, x: Sequence[Any], h: Sequence[Any], address: Any) -> list[Any]:
        """Pre-activations of a unit, in the order in which the pointwise part takes them."""
        section = self._section
        sums = [self._from_below(stream, gate, unit_, x) for gate in range(section.gates)]
        if not x and section.inputs:
            sums = self._from_many(stream, unit_, sums, address)
        if section.recurrent is None:
            return sums
        if section.joined:
            return [self._from_state(stream, gate, unit_, h, sums[gate]) for gate in range(section.gates)]
        apart = [self._second(stream, gate, unit_) for gate in range(section.gates)]
        return sums + [self._from_state(stream, gate, unit_, h, each) for gate, each in enumerate(apart)]

    def _from_below(self, stream: int, gate: int, unit_: Any, x: Sequence[Any]) -> Any:
        """b + W x of one gate of one unit."""
        code, section, weights = self._code, self._section, self._weights[stream]
        column = offset_by(code, gate * section.size, unit_)
        total = weights(section.bias, column)
        if section.second is not None and section.joined:
            total = code.add(total, weights(section.second, column))
        for channel, value in enumerate(x):
            total = code.fma(weights(section.kernel + channel * section.width, column), value, total)
        return total

    def _from_many(self, stream: int, unit_: Any, sums: Sequence[Any], address: Any) -> list[Any]:
        """W x of many channels, by a loop over them."""
        code, section, weights = self._code, self._section, self._weights[stream]
        totals = [code.variable(VECTOR, each) for each in sums]
        with code.loop(section.inputs) as channel:
            value = code.load(address, channel)
            for gate, total in enumerate(totals):
                offset = code.plus(code.times(channel, section.width), gate * section.size, unit_)
                code.set(total, code.fma(weights(section.kernel, offset), value, code.get(total)))
        return [code.get(total) for total in totals]

    def _second(self, stream: int, gate: int, unit_: Any) -> Any:
        """b' of a cell whose two products stay apart."""
        if self._section.second is None:
            return self._code.number(0)
        return self._weights[stream](self._section.second, offset_by(self._code, gate * self._section.size, unit_))

    def _from_state(self, stream: int, gate: int, unit_: Any, h: Sequence[Any], total: Any) -> Any:
        """total + U h of one gate of one unit."""
        section, weights = self._section, self._weights[stream]
        assert section.recurrent is not None
        column = offset_by(self._code, gate * section.size, unit_)
        for below, value in enumerate(h):
            total = self._code.fma(weights(section.recurrent + below * section.width, column), value, total)
        return total

    def _advanced(self, stream: int, unit_: Any, gates: Sequence[Any], states: Sequence[Any], out: Any) -> list[Any]:
        """The new states of a unit, stored together with what goes onto the tape."""
        code, section, step = self._code, self._section, self._section.step
        parameters = [self._weights[stream](place, unit_) for place in section.parameters]
        given = dict(enumerate([*gates, *states, *parameters]))
        roots = [*step.states, *(step.tape if self._taped else ())]
        worked_out = Pointwise(code, step.graph, given, roots)
        kept = roots if self._taped else roots[:1] if section.is_unrolled else roots
        for index, root in enumerate(kept):
            code.store(worked_out[root], out, offset_by(code, index * section.size, unit_))
        return [worked_out[root] for root in step.states]


def offset_by(code: Code, place: int, offset: Any) -> Any:
    return place + offset if isinstance(offset, int) else code.plus(place, offset)
